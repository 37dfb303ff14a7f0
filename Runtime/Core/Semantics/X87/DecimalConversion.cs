namespace FastVcpu.Semantics.X87;

/// <summary>Between numbers and packed decimals: 18 digits, two in a byte from the lowest on, then a byte with the sign in bit 7.</summary>
static class DecimalConversion
{
    const int Digits = 18;
    const ulong Greatest = 999_999_999_999_999_999;

    /// <summary>The number of ten bytes that have the shape of a <see cref="Float80"/>.</summary>
    public static Float80 FromDecimal(Float80 image)
    {
        ulong magnitude = 0;
        UInt128 packed = (UInt128)(image.SignExponent & 0xFFU) << 64 | image.Significand;
        for (int i = Digits - 1; i >= 0; i--)
        {
            magnitude = magnitude * 10 + ((ulong)(packed >> (4 * i)) & 0xF);
        }
        return magnitude == 0 ? Float80.Zero(image.IsNegative) : IntegerConversion.FromMagnitude(image.IsNegative, magnitude);
    }

    /// <summary>The ten bytes of a packed decimal, in the shape of a <see cref="Float80"/>; the packed indefinite when it does not fit.</summary>
    public static Float80 ToDecimal(ref FpuContext c, Float80 value)
    {
        if (!IntegerConversion.TryRound(ref c, c.Rounding, value, Greatest, out ulong magnitude))
        {
            return new(0xC000_0000_0000_0000, 0xFFFF);
        }
        UInt128 packed = 0;
        for (int i = 0; i < Digits; i++)
        {
            (magnitude, ulong digit) = Math.DivRem(magnitude, 10);
            packed |= (UInt128)digit << (4 * i);
        }
        return new((ulong)packed, (int)(packed >> 64) | (value.IsNegative ? 0x8000 : 0));
    }
}
