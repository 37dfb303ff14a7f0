using System.Numerics;
using FastVcpu.Semantics;

namespace FastVcpu.Tests.Floating;

/// <summary>Rounds exact fractions of big integers to an IEEE format by nothing but the definition: the oracle of the arithmetic tests. All exceptions are masked.</summary>
readonly record struct ExactFloat(ulong Bits, uint Flags)
{
    /// <summary>A finite number as an integer multiple of 2^scale.</summary>
    public static (BigInteger Multiple, int Scale) Integer<T>(ulong bits) where T : unmanaged
    {
        int exponent = (int)(bits >> (FloatFormat<T>.Precision - 1)) & FloatFormat<T>.MaxExponent;
        BigInteger magnitude = (bits & FloatFormat<T>.FractionMask) | (exponent == 0 ? 0 : FloatFormat<T>.MinNormal);
        return ((bits & FloatFormat<T>.SignBit) != 0 ? -magnitude : magnitude, Math.Max(exponent, 1) - FloatFormat<T>.Bias - FloatFormat<T>.Precision + 1);
    }

    /// <summary>numerator / denominator × 2^scale, not zero, rounded to a format.</summary>
    public static ExactFloat Of<T>(BigInteger numerator, BigInteger denominator, int scale, RoundingMode rounding) where T : unmanaged
    {
        bool negative = numerator.Sign * denominator.Sign < 0;
        BigInteger n = BigInteger.Abs(numerator), d = BigInteger.Abs(denominator);
        int precision = FloatFormat<T>.Precision, lowest = 1 - FloatFormat<T>.Bias;
        int exponent = Exponent(n, d) + scale;
        bool isTiny = Quantize(n, d, scale, exponent - precision + 1, negative, rounding).Multiple.GetBitLength() > precision ? exponent + 1 < lowest : exponent < lowest;
        int quantum = Math.Max(exponent, lowest) - precision + 1;
        (BigInteger significand, bool isInexact) = Quantize(n, d, scale, quantum, negative, rounding);
        uint flags = (isInexact ? FloatContext.Precision : 0) | (isInexact && isTiny ? FloatContext.Underflow : 0);
        ulong sign = negative ? FloatFormat<T>.SignBit : 0;
        // The exponent field and the significand are one number; a carry out of the one counts up the other.
        BigInteger packed = ((BigInteger)(quantum - (lowest - precision + 1)) << (precision - 1)) + significand;
        if (packed >= FloatFormat<T>.Infinity)
        {
            bool toInfinity = rounding == RoundingMode.Nearest || rounding == (negative ? RoundingMode.Down : RoundingMode.Up);
            return new(sign | (FloatFormat<T>.Infinity - (toInfinity ? 0UL : 1)), FloatContext.Overflow | FloatContext.Precision);
        }
        return new(sign | (ulong)packed, flags);
    }

    /// <summary>The square root of n × 2^scale, which is even.</summary>
    public static ExactFloat RootOf<T>(BigInteger n, int scale, RoundingMode rounding) where T : unmanaged
    {
        // Twice as many bits as needed, then a sticky one.
        const int Extra = 128;
        BigInteger wide = n << (2 * Extra), root = BigInteger.One << (int)((wide.GetBitLength() + 1) / 2);
        for (BigInteger next = (root + wide / root) >> 1; next < root; next = (root + wide / root) >> 1)
        {
            root = next;
        }
        return Of<T>((root << 1) + (root * root == wide ? 0 : 1), 1, scale / 2 - Extra - 1, rounding);
    }

    static int Exponent(BigInteger n, BigInteger d)
    {
        int guess = (int)(n.GetBitLength() - d.GetBitLength());
        return (guess >= 0 ? n < d << guess : n << -guess < d) ? guess - 1 : guess;
    }

    static (BigInteger Multiple, bool IsInexact) Quantize(BigInteger n, BigInteger d, int scale, int quantum, bool negative, RoundingMode rounding)
    {
        int shift = scale - quantum;
        BigInteger quotient = BigInteger.DivRem(n << Math.Max(shift, 0), d << Math.Max(-shift, 0), out BigInteger rest);
        int half = (rest << 1).CompareTo(d << Math.Max(-shift, 0));
        bool isUp = !rest.IsZero && rounding switch
        {
            RoundingMode.Nearest => half > 0 || (half == 0 && !quotient.IsEven),
            RoundingMode.Down => negative,
            RoundingMode.Up => !negative,
            _ => false,
        };
        return (quotient + (isUp ? 1 : 0), !rest.IsZero);
    }
}
