namespace FastVcpu.Semantics.X87;

/// <summary>The bounds of a binary format that results are rounded to. Exponents are biased as those of <see cref="Float80"/>.</summary>
/// <param name="Precision">Bits of the significand, integer bit included.</param>
/// <param name="MinExponent">Of the smallest normal number.</param>
/// <param name="MaxExponent">Of the greatest finite number.</param>
/// <param name="Wrap">
/// Added to the exponent of an unmasked underflow and taken from that of an unmasked overflow, so that the handler sees the result
/// (SDM Vol. 1 8.5.4). Zero for memory formats, whose stores do not happen then.
/// </param>
readonly record struct FloatFormat(int Precision, int MinExponent, int MaxExponent, int Wrap)
{
    public static FloatFormat Single => new(24, Float80.Bias - 126, Float80.Bias + 127, 0);

    public static FloatFormat Double => new(53, Float80.Bias - 1022, Float80.Bias + 1023, 0);

    /// <summary>Registers hold the full range of exponents at any precision.</summary>
    public static FloatFormat Extended(int precision) => new(precision, 1, Float80.MaxExponent, 24576);
}
