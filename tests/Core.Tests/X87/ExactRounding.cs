using System.Numerics;
using FastVcpu.Semantics.X87;

namespace FastVcpu.Tests.X87;

/// <summary>
/// Rounds exact fractions of big integers to registers, by nothing but the definition: the oracle of the arithmetic tests. All exceptions are masked.
/// </summary>
readonly record struct ExactRounding(Float80 Value, int Exceptions, bool RoundedUp)
{
    /// <summary>A finite register as an integer multiple of 2^scale.</summary>
    public static (BigInteger Multiple, int Scale) Integer(Float80 value)
    {
        BigInteger magnitude = value.Significand;
        return (value.IsNegative ? -magnitude : magnitude, Math.Max(value.Exponent, 1) - Float80.Bias - 63);
    }

    /// <summary>numerator / denominator × 2^scale, not zero, rounded to a register.</summary>
    public static ExactRounding Of(BigInteger numerator, BigInteger denominator, int scale, int precision, Rounding rounding)
    {
        bool negative = numerator.Sign * denominator.Sign < 0;
        BigInteger n = BigInteger.Abs(numerator), d = BigInteger.Abs(denominator);
        int exponent = Exponent(n, d) + scale;
        // Unbounded exponent: is the result tiny after rounding?
        (BigInteger trial, _, _) = Quantize(n, d, scale, exponent - precision + 1, negative, rounding);
        int roundedExponent = trial.GetBitLength() > precision ? exponent + 1 : exponent;
        const int MinExponent = 1 - Float80.Bias, MaxExponent = Float80.MaxExponent - Float80.Bias;
        bool isTiny = roundedExponent < MinExponent;
        int quantum = Math.Max(exponent, MinExponent) - precision + 1;
        (BigInteger significand, bool isInexact, bool isUp) = Quantize(n, d, scale, quantum, negative, rounding);
        int exceptions = (isInexact ? FpuStatusWord.Precision : 0) | (isInexact && isTiny ? FpuStatusWord.Underflow : 0);
        if (significand.IsZero)
        {
            return new(Float80.Zero(negative), exceptions, isUp);
        }
        int result = (int)significand.GetBitLength() - 1 + quantum;
        if (result > MaxExponent)
        {
            bool toInfinity = rounding == Rounding.Nearest || rounding == (negative ? Rounding.Down : Rounding.Up);
            Float80 limit = toInfinity ? Float80.Infinity(negative) : Float80.From(negative, Float80.MaxExponent, ulong.MaxValue << (64 - precision));
            return new(limit, FpuStatusWord.Overflow | FpuStatusWord.Precision, toInfinity);
        }
        bool isDenormal = result < MinExponent;
        int field = isDenormal ? 0 : result + Float80.Bias;
        int unit = (isDenormal ? MinExponent : result) - 63;
        return new(Float80.From(negative, field, (ulong)(significand << (quantum - unit))), exceptions, isUp);
    }

    /// <summary>The integer square root of n × 2^scale in the same way; the scale is even.</summary>
    public static ExactRounding RootOf(BigInteger n, int scale, int precision, Rounding rounding)
    {
        // Twice as many bits as needed, then a sticky one.
        const int Extra = 200;
        BigInteger wide = n << (2 * Extra), root = BigInteger.One << (int)((wide.GetBitLength() + 1) / 2);
        for (BigInteger next = (root + wide / root) >> 1; next < root; next = (root + wide / root) >> 1)
        {
            root = next;
        }
        BigInteger sticky = (root << 1) + (root * root == wide ? 0 : 1);
        return Of(sticky, 1, scale / 2 - Extra - 1, precision, rounding);
    }

    static int Exponent(BigInteger n, BigInteger d)
    {
        int guess = (int)(n.GetBitLength() - d.GetBitLength());
        bool isBelow = guess >= 0 ? n < d << guess : n << -guess < d;
        return isBelow ? guess - 1 : guess;
    }

    static (BigInteger Multiple, bool IsInexact, bool IsUp) Quantize(BigInteger n, BigInteger d, int scale, int quantum, bool negative, Rounding rounding)
    {
        int shift = scale - quantum;
        n = shift > 0 ? n << shift : n;
        d = shift < 0 ? d << -shift : d;
        BigInteger quotient = BigInteger.DivRem(n, d, out BigInteger rest);
        int half = (rest << 1).CompareTo(d);
        bool isUp = !rest.IsZero && rounding switch
        {
            Rounding.Nearest => half > 0 || (half == 0 && !quotient.IsEven),
            Rounding.Down => negative,
            Rounding.Up => !negative,
            _ => false,
        };
        return (isUp ? quotient + 1 : quotient, !rest.IsZero, isUp);
    }
}
