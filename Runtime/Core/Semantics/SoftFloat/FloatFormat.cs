using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics;

/// <summary>The parameters of the IEEE 754 binary formats, named by their .NET types <c>Half</c>, <c>float</c> and <c>double</c>.</summary>
/// <remarks>Values travel as their bit patterns in a <c>ulong</c>, so that no host conversion can touch them.</remarks>
static class FloatFormat<T> where T : unmanaged
{
    /// <summary>Bits of the significand, the hidden one included.</summary>
    public static int Precision
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => typeof(T) == typeof(double) ? 53 : typeof(T) == typeof(float) ? 24 : 11;
    }

    public static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.SizeOf<T>() * 8;
    }

    public static int Bias
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1 << (Width - Precision - 1)) - 1;
    }

    /// <summary>The biased exponent of infinity and NaN.</summary>
    public static int MaxExponent
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * Bias + 1;
    }

    public static ulong SignBit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << (Width - 1);
    }

    /// <summary>The smallest normal number; also the weight of the exponent's lowest bit.</summary>
    public static ulong MinNormal
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << (Precision - 1);
    }

    public static ulong FractionMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MinNormal - 1;
    }

    public static ulong QuietBit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MinNormal >> 1;
    }

    public static ulong Infinity
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => SignBit - MinNormal;
    }

    /// <summary>The NaN that an invalid operation delivers (SDM Vol. 1 4.8.3.7).</summary>
    public static ulong DefaultNan
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => SignBit | Infinity | QuietBit;
    }
}
