using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>Instructions on the halves of a YMM register.</summary>
static class Halves
{
    /// <summary>VBROADCASTF128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Twice(V128 a) => Vector256.Create(a, a);

    /// <summary>VINSERTF128: bit 0 of the immediate chooses the half that is replaced.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Insert(V256 a, V128 b, byte half) => (half & 1) != 0 ? a.WithUpper(b) : a.WithLower(b);

    /// <summary>VEXTRACTF128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Extract(V256 a, byte half) => (half & 1) != 0 ? a.GetUpper() : a.GetLower();

    /// <summary>VPERM2F128: four bits of the immediate for each half of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Permute(V256 a, V256 b, byte order) => Vector256.Create(Choose(a, b, order), Choose(a, b, order >> 4));

    /// <summary>One of four halves, or zero with bit 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 Choose(V256 a, V256 b, int control)
    {
        V256 from = (control & 2) != 0 ? b : a;
        return (control & 8) != 0 ? V128.Zero : (control & 1) != 0 ? from.GetUpper() : from.GetLower();
    }
}

/// <summary>Elements of a whole YMM register, each chosen freely.</summary>
static class Permute
{
    /// <summary>VPERMD, VPERMPS: by three bits of the first operand's doublewords.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Dwords(V256 order, V256 a) => Vector256.Shuffle(a.AsUInt32(), order.AsUInt32() & Vector256.Create(7u)).AsByte();

    /// <summary>VPERMQ, VPERMPD: by two bits of the immediate. They are multiplied up to different heights, then cut out at one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Qwords(V256 a, byte order)
    {
        Vector256<ulong> chosen = ((Vector256.Create((uint)order) * Vector256.Create(64u, 0, 16, 0, 4, 0, 1, 0)) >>> 6).AsUInt64();
        return Vector256.Shuffle(a.AsUInt64(), chosen & Vector256.Create(3UL)).AsByte();
    }
}
