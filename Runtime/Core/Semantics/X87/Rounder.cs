using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>Rounds exact results to a format and notes precision, underflow and overflow.</summary>
static class Rounder
{
    const ulong Half = 1UL << 63;

    /// <summary>Rounds to a register with <paramref name="precision"/> significant bits.</summary>
    /// <param name="c">The operation.</param>
    /// <param name="precision">24, 53 or 64.</param>
    /// <param name="negative">Sign.</param>
    /// <param name="exponent">Biased exponent, of any size.</param>
    /// <param name="high">Significand, bit 63 set.</param>
    /// <param name="low">What follows the significand; a one at the end stands for anything that is not zero.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Register(ref FpuContext c, int precision, bool negative, int exponent, ulong high, ulong low)
    {
        // Neither tiny nor close to overflow, all bits wanted: the usual case.
        if (precision == 64 && (uint)(exponent - 1) < Float80.MaxExponent - 1)
        {
            return low == 0 ? Float80.From(negative, exponent, high) : Inexact(ref c, negative, exponent, high, low);
        }
        return Pack(Round(ref c, FloatFormat.Extended(precision), negative, exponent, high, low));
    }

    static Float80 Inexact(ref FpuContext c, bool negative, int exponent, ulong significand, ulong fraction)
    {
        c.Exceptions |= FpuStatusWord.Precision;
        if (RoundsUp(c.Rounding, negative, (significand & 1) != 0, fraction))
        {
            c.RoundedUp = true;
            if (++significand == 0)
            {
                significand = Float80.IntegerBit;
                exponent++;
            }
        }
        return Float80.From(negative, exponent, significand);
    }

    static Float80 Pack(Unpacked rounded)
    {
        // A significand that lost its integer bit on the way to the smallest exponent is a denormal.
        int exponent = (long)rounded.Significand < 0 ? rounded.Exponent : 0;
        return Float80.From(rounded.Negative, exponent, rounded.Significand);
    }

    /// <summary>
    /// Rounds to a format. The exponent of the result is at most one more than the format's greatest, which means infinity; at the smallest
    /// exponent the integer bit may be missing.
    /// </summary>
    public static Unpacked Round(ref FpuContext c, FloatFormat format, bool negative, int exponent, ulong high, ulong low)
    {
        bool isTiny = false;
        if (exponent < format.MinExponent)
        {
            isTiny = exponent < format.MinExponent - 1 || !RoundsToNextPower(c.Rounding, format.Precision, negative, high, low);
            if (isTiny && !c.IsMasked(FpuStatusWord.Underflow))
            {
                c.Exceptions |= FpuStatusWord.Underflow;
                isTiny = false;
                exponent += format.Wrap;
                if (exponent < format.MinExponent)
                {
                    // Only FSCALE gets here: so small that wrapping does not help.
                    c.Exceptions |= FpuStatusWord.Precision;
                    return new(negative, format.MinExponent, 0);
                }
            }
            else
            {
                (high, low) = ShiftRight(high, low, format.MinExponent - exponent);
                exponent = format.MinExponent;
            }
        }

        ulong fraction = Fraction(format.Precision, high, low);
        ulong unit = 1UL << (64 - format.Precision);
        bool up = RoundsUp(c.Rounding, negative, (high & unit) != 0, fraction);
        high &= ~(unit - 1);
        if (up)
        {
            high += unit;
            if (high == 0)
            {
                high = Float80.IntegerBit;
                exponent++;
            }
        }
        c.RoundedUp = up;
        if (fraction != 0)
        {
            c.Exceptions |= FpuStatusWord.Precision | (isTiny ? FpuStatusWord.Underflow : 0);
        }
        return exponent <= format.MaxExponent ? new(negative, exponent, high) : Overflow(ref c, format, negative, exponent, high);
    }

    static Unpacked Overflow(ref FpuContext c, FloatFormat format, bool negative, int exponent, ulong significand)
    {
        c.Exceptions |= FpuStatusWord.Overflow;
        if (!c.IsMasked(FpuStatusWord.Overflow))
        {
            exponent -= format.Wrap;
            if (exponent <= format.MaxExponent)
            {
                return new(negative, exponent, significand);
            }
            c.Exceptions |= FpuStatusWord.Precision;
            c.RoundedUp = true;
            return new(negative, format.MaxExponent + 1, Float80.IntegerBit);
        }
        c.Exceptions |= FpuStatusWord.Precision;
        // The same directions that round a fraction up round to infinity; of the nearest values infinity is the one.
        c.RoundedUp = RoundsUp(c.Rounding, negative, true, Half);
        return c.RoundedUp
            ? new(negative, format.MaxExponent + 1, Float80.IntegerBit)
            : new(negative, format.MaxExponent, ulong.MaxValue << (64 - format.Precision));
    }

    /// <summary>A number just below a power of two reaches it, so that it is not tiny after rounding.</summary>
    static bool RoundsToNextPower(Rounding rounding, int precision, bool negative, ulong high, ulong low)
    {
        ulong kept = ulong.MaxValue << (64 - precision);
        return (high & kept) == kept && RoundsUp(rounding, negative, true, Fraction(precision, high, low));
    }

    /// <summary>What lies below the last bit kept, as a fraction of 2^64; its last bit is sticky.</summary>
    static ulong Fraction(int precision, ulong high, ulong low) =>
        precision == 64 ? low : (high << precision) | (low != 0 ? 1UL : 0);

    /// <summary>Whether the magnitude grows.</summary>
    /// <param name="rounding">Direction.</param>
    /// <param name="negative">Sign.</param>
    /// <param name="isOdd">The last bit kept is one.</param>
    /// <param name="fraction">What is dropped.</param>
    public static bool RoundsUp(Rounding rounding, bool negative, bool isOdd, ulong fraction) => rounding switch
    {
        Rounding.Nearest => fraction > Half || (fraction == Half && isOdd),
        Rounding.Down => fraction != 0 && negative,
        Rounding.Up => fraction != 0 && !negative,
        _ => false,
    };

    /// <summary>Shifts a pair right; ones that fall out stay as a one at the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong High, ulong Low) ShiftRight(ulong high, ulong low, int count)
    {
        if (count == 0)
        {
            return (high, low);
        }
        if (count < 64)
        {
            ulong lost = low << (64 - count);
            return (high >> count, high << (64 - count) | low >> count | (lost != 0 ? 1UL : 0));
        }
        if (count == 64)
        {
            return (0, high | (low != 0 ? 1UL : 0));
        }
        if (count < 128)
        {
            ulong lost = high << (128 - count) | low;
            return (0, high >> (count - 64) | (lost != 0 ? 1UL : 0));
        }
        return (0, (high | low) != 0 ? 1UL : 0);
    }
}
