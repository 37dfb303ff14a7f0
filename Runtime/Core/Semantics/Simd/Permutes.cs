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

/// <summary>Elements of a whole YMM register, each chosen freely. Hosts with registers of 128 bits choose from each half: .NET's own way there takes addresses of locals, which costs the jump to the next handler.</summary>
static class Permute
{
    /// <summary>VPERMD, VPERMPS: by three bits of the first operand's doublewords.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Dwords(V256 order, V256 a) => Vector256.IsHardwareAccelerated
        ? Vector256.Shuffle(a.AsUInt32(), order.AsUInt32() & Vector256.Create(7u)).AsByte()
        : Vector256.Create(FromHalves(order.GetLower().AsUInt32(), a), FromHalves(order.GetUpper().AsUInt32(), a));

    /// <summary>VPERMQ, VPERMPD: by two bits of the immediate. They are multiplied up to different heights, then cut out at one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Qwords(V256 a, byte order)
    {
        Vector256<ulong> chosen = ((Vector256.Create((uint)order) * Vector256.Create(64u, 0, 16, 0, 4, 0, 1, 0)) >>> 6).AsUInt64() & Vector256.Create(3UL);
        // A quadword is two doublewords, the second of them behind the first.
        return Vector256.IsHardwareAccelerated
            ? Vector256.Shuffle(a.AsUInt64(), chosen).AsByte()
            : Dwords((chosen << 1 | chosen << 33 | Vector256.Create(1UL << 32)).AsByte(), a);
    }

    /// <summary>Four doublewords, each chosen by three bits: two for the place in a half, one for the half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 FromHalves(Vector128<uint> order, V256 a)
    {
        Vector128<uint> place = order & Vector128.Create(3u), upper = Vector128.Create(4u);
        Vector128<uint> isUpper = Vector128.Equals(order & upper, upper);
        return Vector128.ConditionalSelect(isUpper, Vector128.Shuffle(a.GetUpper().AsUInt32(), place), Vector128.Shuffle(a.GetLower().AsUInt32(), place)).AsByte();
    }
}
