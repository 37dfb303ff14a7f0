using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics;

/// <summary>The parameters of the IEEE 754 binary formats, named by their .NET types <c>Half</c>, <c>float</c> and <c>double</c>.</summary>
/// <remarks>Values travel as their bit patterns in a <c>ulong</c>, so that no host conversion can touch them.</remarks>
static class FloatFormat<T> where T : unmanaged
{
    /// <summary>Bits of the significand, the hidden one included.</summary>
    public static int Precision => typeof(T) == typeof(double) ? 53 : typeof(T) == typeof(float) ? 24 : 11;

    public static int Width => Unsafe.SizeOf<T>() * 8;

    public static int Bias => (1 << (Width - Precision - 1)) - 1;

    /// <summary>The biased exponent of infinity and NaN.</summary>
    public static int MaxExponent => 2 * Bias + 1;

    public static ulong SignBit => 1UL << (Width - 1);

    /// <summary>The smallest normal number; also the weight of the exponent's lowest bit.</summary>
    public static ulong MinNormal => 1UL << (Precision - 1);

    public static ulong FractionMask => MinNormal - 1;

    public static ulong QuietBit => MinNormal >> 1;

    public static ulong Infinity => SignBit - MinNormal;

    /// <summary>The NaN that an invalid operation delivers (SDM Vol. 1 4.8.3.7).</summary>
    public static ulong DefaultNan => SignBit | Infinity | QuietBit;
}
