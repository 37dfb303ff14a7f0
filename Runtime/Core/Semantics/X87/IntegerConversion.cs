using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>Between numbers and two's complement integers.</summary>
static class IntegerConversion
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromInteger(long value) => value == 0 ? Float80.Zero(false) : FromMagnitude(value < 0, (ulong)(value < 0 ? -value : value));

    /// <summary>An integer given as sign and magnitude, not zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromMagnitude(bool negative, ulong magnitude)
    {
        int shift = BitOperations.LeadingZeroCount(magnitude);
        return Float80.From(negative, Float80.Bias + 63 - shift, magnitude << shift);
    }

    /// <summary>
    /// The integer of <paramref name="bits"/> bits that <paramref name="rounding"/> chooses. What has none is an invalid operation, whose
    /// answer is the most negative integer.
    /// </summary>
    public static long ToInteger(ref FpuContext c, Rounding rounding, Float80 value, int bits)
    {
        long indefinite = -1L << (bits - 1);
        ulong limit = 1UL << (bits - 1);
        if (TryRound(ref c, rounding, value, value.IsNegative ? limit : limit - 1, out ulong magnitude))
        {
            return value.IsNegative ? -(long)magnitude : (long)magnitude;
        }
        return indefinite;
    }

    /// <summary>The rounded magnitude, or an invalid operation when it exceeds <paramref name="limit"/> or there is none.</summary>
    public static bool TryRound(ref FpuContext c, Rounding rounding, Float80 value, ulong limit, out ulong magnitude)
    {
        magnitude = 0;
        // Exponents of 2^64 and more are out of any range; so are infinity and NaN.
        if (value.IsUnsupported || value.Exponent > Float80.Bias + 63)
        {
            c.Invalid();
            return false;
        }
        FpuContext trial = c;
        magnitude = Round(ref trial, rounding, Unpacked.From(value));
        if (magnitude > limit)
        {
            c.Invalid();
            return false;
        }
        c = trial;
        return true;
    }

    /// <summary>
    /// Rounds the magnitude of a number below 2^64 to an integer and notes precision. (2^64 - 1)-and-a-half does not exist: a number of that
    /// size has no fraction.
    /// </summary>
    public static ulong Round(ref FpuContext c, Rounding rounding, Unpacked value)
    {
        (ulong magnitude, ulong fraction) = Split(value);
        if (fraction == 0)
        {
            return magnitude;
        }
        c.Exceptions |= FpuStatusWord.Precision;
        c.RoundedUp = Rounder.RoundsUp(rounding, value.Negative, (magnitude & 1) != 0, fraction);
        return c.RoundedUp ? magnitude + 1 : magnitude;
    }

    /// <summary>Integer part of a magnitude (saturated) and the fraction in units of 2^-64, its last bit sticky.</summary>
    public static (ulong Magnitude, ulong Fraction) Split(Unpacked value)
    {
        int shift = Float80.Bias + 63 - value.Exponent;
        return shift < 0 ? (value.Significand == 0 ? 0 : ulong.MaxValue, 0) : Rounder.ShiftRight(value.Significand, 0, shift);
    }
}
