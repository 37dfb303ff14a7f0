using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>Between registers and the single and double format of memory.</summary>
static class BinaryConversion
{
    /// <summary>Widens without any judgement: a signaling NaN stays one. A denormal is noted as the source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromSingle(ref FpuContext c, uint bits) =>
        Widen(ref c, bits >> 31 != 0, (int)(bits >> 23 & 0xFF), 0xFF, (ulong)bits << 41, Float80.Bias - 127);

    /// <inheritdoc cref="FromSingle"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromDouble(ref FpuContext c, ulong bits) =>
        Widen(ref c, bits >> 63 != 0, (int)(bits >> 52 & 0x7FF), 0x7FF, bits << 12, Float80.Bias - 1023);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float80 Widen(ref FpuContext c, bool negative, int exponent, int special, ulong fraction, int rebias)
    {
        // The fraction stands at the top; the integer bit is put before it.
        if (exponent == special)
        {
            return Float80.From(negative, Float80.SpecialExponent, Float80.IntegerBit | fraction >> 1);
        }
        if (exponent != 0)
        {
            return Float80.From(negative, exponent + rebias, Float80.IntegerBit | fraction >> 1);
        }
        if (fraction == 0)
        {
            return Float80.Zero(negative);
        }
        c.HasDenormalSource = true;
        int shift = BitOperations.LeadingZeroCount(fraction);
        return Float80.From(negative, rebias - shift, fraction << shift);
    }

    /// <summary>Rounds to single format.</summary>
    public static uint ToSingle(ref FpuContext c, Float80 value)
    {
        (bool negative, int exponent, ulong significand) = Narrow(ref c, FloatFormat.Single, value);
        return (negative ? 1U << 31 : 0) | (uint)Encode(exponent, significand, 0xFF, Float80.Bias - 127, 23);
    }

    /// <summary>Rounds to double format.</summary>
    public static ulong ToDouble(ref FpuContext c, Float80 value)
    {
        (bool negative, int exponent, ulong significand) = Narrow(ref c, FloatFormat.Double, value);
        return (negative ? 1UL << 63 : 0) | Encode(exponent, significand, 0x7FF, Float80.Bias - 1023, 52);
    }

    static Unpacked Narrow(ref FpuContext c, FloatFormat format, Float80 value)
    {
        if (NanRules.Decide(ref c, value, out Float80 nan))
        {
            value = nan;
        }
        if (value.Exponent == Float80.SpecialExponent)
        {
            return new(value.IsNegative, Float80.SpecialExponent, value.Significand);
        }
        Unpacked x = Unpacked.From(value);
        return x.Significand == 0 ? x : Rounder.Round(ref c, format, x.Negative, x.Exponent, x.Significand, 0);
    }

    static ulong Encode(int exponent, ulong significand, int special, int rebias, int fractionBits)
    {
        ulong fraction = significand << 1 >> (64 - fractionBits);
        int biased = (long)significand >= 0 ? 0 : Math.Min(exponent - rebias, special);
        return (ulong)biased << fractionBits | fraction;
    }
}
