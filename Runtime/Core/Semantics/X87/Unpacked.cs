using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>A finite number with a normalised significand, whatever the exponent becomes: significand × 2^(exponent − bias − 63).</summary>
/// <param name="Negative">Sign.</param>
/// <param name="Exponent">Biased exponent; zero and below for what the format stores as a denormal.</param>
/// <param name="Significand">Bit 63 is set unless the number is zero.</param>
readonly record struct Unpacked(bool Negative, int Exponent, ulong Significand)
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Unpacked From(Float80 value) =>
        value.IsNormal ? new(value.IsNegative, value.Exponent, value.Significand) : FromDenormal(value);

    static Unpacked FromDenormal(Float80 value)
    {
        if (value.Significand == 0)
        {
            return new(value.IsNegative, 0, 0);
        }
        int shift = BitOperations.LeadingZeroCount(value.Significand);
        // Denormals have the exponent of the smallest normal numbers; pseudo-denormals are such numbers.
        return new(value.IsNegative, Math.Max(value.Exponent, 1) - shift, value.Significand << shift);
    }
}
