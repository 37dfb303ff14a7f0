using System.Numerics;

namespace FastVcpu.Semantics.X87;

/// <summary>Sum and difference.</summary>
static class Addition
{
    public static Float80 Add(ref FpuContext c, Float80 a, Float80 b) => Add(ref c, a, b, b.IsNegative);

    public static Float80 Subtract(ref FpuContext c, Float80 a, Float80 b) => Add(ref c, a, b, !b.IsNegative);

    /// <summary>The sum with <paramref name="signOfB"/> in place of the sign of <paramref name="b"/>, which a NaN keeps.</summary>
    static Float80 Add(ref FpuContext c, Float80 a, Float80 b, bool signOfB)
    {
        if (!(a.IsNormal && b.IsNormal) || c.HasDenormalSource)
        {
            if (NanRules.Decide(ref c, a, b, out Float80 result))
            {
                return result;
            }
            if (a.IsInfinity && b.IsInfinity && a.IsNegative != signOfB)
            {
                return c.Invalid();
            }
            c.NoteDenormal(a, b);
            if (a.IsInfinity || b.IsInfinity)
            {
                return Float80.Infinity(a.IsInfinity ? a.IsNegative : signOfB);
            }
            if (a.IsZero && b.IsZero)
            {
                return Float80.Zero(a.IsNegative == signOfB ? signOfB : c.Rounding == Rounding.Down);
            }
        }
        Unpacked x = Unpacked.From(a), y = Unpacked.From(b) with { Negative = signOfB };
        if (y.Significand == 0 || (x.Significand != 0 && x.Exponent > y.Exponent))
        {
            return Combine(ref c, x, y);
        }
        return x.Significand == 0 || x.Exponent < y.Exponent || x.Significand < y.Significand ? Combine(ref c, y, x) : Combine(ref c, x, y);
    }

    /// <summary>The sum of two numbers, the first not smaller in magnitude.</summary>
    static Float80 Combine(ref FpuContext c, Unpacked x, Unpacked y)
    {
        (ulong high, ulong low) = y.Significand == 0 ? (0, 0) : Rounder.ShiftRight(y.Significand, 0, x.Exponent - y.Exponent);
        int exponent = x.Exponent;
        if (x.Negative == y.Negative)
        {
            ulong sum = x.Significand + high;
            if (sum < high)
            {
                low = sum << 63 | low >> 1 | low & 1;
                sum = sum >> 1 | Float80.IntegerBit;
                exponent++;
            }
            return Rounder.Register(ref c, c.Precision, x.Negative, exponent, sum, low);
        }
        high = x.Significand - high - (low != 0 ? 1UL : 0);
        low = 0 - low;
        if ((high | low) == 0)
        {
            return Float80.Zero(c.Rounding == Rounding.Down);
        }
        if (high == 0)
        {
            (high, low) = (low, 0);
            exponent -= 64;
        }
        int shift = BitOperations.LeadingZeroCount(high);
        if (shift != 0)
        {
            high = high << shift | low >> (64 - shift);
            low <<= shift;
        }
        return Rounder.Register(ref c, c.Precision, x.Negative, exponent - shift, high, low);
    }
}
