using System.Runtime.CompilerServices;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>The bit fields of SSE4A. A length of 0 means 64.</summary>
static class BitFields
{
    /// <summary>EXTRQ: a field, moved to the low end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong a, byte length, byte place) => a >> (place & 63) & Mask(length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong a, V128 field) => Extract(a, field[0], field[1]);

    /// <summary>INSERTQ: the low bits of the second operand, to a field of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Insert(ulong a, ulong b, byte length, byte place)
    {
        ulong mask = Mask(length) << (place & 63);
        return a & ~mask | b << (place & 63) & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Insert(ulong a, V128 b) => Insert(a, Simd.Low(b), b[8], b[9]);

    static ulong Mask(byte length) => ulong.MaxValue >> (64 - (length & 63) & 63);
}
