using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Elements that change places: pack, unpack and shuffle.

/// <summary>The low elements of both operands in turn (PUNPCKL…).</summary>
readonly struct UnpackLow<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Sse2.IsSupported ? Sse(a, b) : Portable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 Sse(V128 a, V128 b) => Unsafe.SizeOf<T>() switch
    {
        1 => Sse2.UnpackLow(a, b),
        2 => Sse2.UnpackLow(a.AsUInt16(), b.AsUInt16()).AsByte(),
        4 => Sse2.UnpackLow(a.AsUInt32(), b.AsUInt32()).AsByte(),
        _ => Sse2.UnpackLow(a.AsUInt64(), b.AsUInt64()).AsByte(),
    };

    static V128 Portable(V128 a, V128 b) => Unsafe.SizeOf<T>() switch
    {
        1 => (Vector128.WidenLower(a) | Vector128.WidenLower(b) << 8).AsByte(),
        2 => (Vector128.WidenLower(a.AsUInt16()) | Vector128.WidenLower(b.AsUInt16()) << 16).AsByte(),
        4 => (Vector128.WidenLower(a.AsUInt32()) | Vector128.WidenLower(b.AsUInt32()) << 32).AsByte(),
        _ => Vector128.Create(a.GetLower(), b.GetLower()),
    };
}

/// <summary>The high elements of both operands in turn (PUNPCKH…).</summary>
readonly struct UnpackHigh<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Sse2.IsSupported ? Sse(a, b) : Portable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 Sse(V128 a, V128 b) => Unsafe.SizeOf<T>() switch
    {
        1 => Sse2.UnpackHigh(a, b),
        2 => Sse2.UnpackHigh(a.AsUInt16(), b.AsUInt16()).AsByte(),
        4 => Sse2.UnpackHigh(a.AsUInt32(), b.AsUInt32()).AsByte(),
        _ => Sse2.UnpackHigh(a.AsUInt64(), b.AsUInt64()).AsByte(),
    };

    static V128 Portable(V128 a, V128 b) => Unsafe.SizeOf<T>() switch
    {
        1 => (Vector128.WidenUpper(a) | Vector128.WidenUpper(b) << 8).AsByte(),
        2 => (Vector128.WidenUpper(a.AsUInt16()) | Vector128.WidenUpper(b.AsUInt16()) << 16).AsByte(),
        4 => (Vector128.WidenUpper(a.AsUInt32()) | Vector128.WidenUpper(b.AsUInt32()) << 32).AsByte(),
        _ => Vector128.Create(a.GetUpper(), b.GetUpper()),
    };
}

/// <summary>Signed words to signed bytes with saturation (PACKSSWB).</summary>
readonly struct PackWords : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.NarrowWithSaturation(a.AsInt16(), b.AsInt16()).AsByte();
}

/// <summary>Signed doublewords to signed words with saturation (PACKSSDW).</summary>
readonly struct PackDwords : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.NarrowWithSaturation(a.AsInt32(), b.AsInt32()).AsByte();
}

/// <summary>Signed words to unsigned bytes with saturation (PACKUSWB).</summary>
readonly struct PackWordsUnsigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Sse2.IsSupported
        ? Sse2.PackUnsignedSaturate(a.AsInt16(), b.AsInt16())
        : Vector128.NarrowWithSaturation(
            Vector128.Max(a.AsInt16(), Vector128<short>.Zero).AsUInt16(), Vector128.Max(b.AsInt16(), Vector128<short>.Zero).AsUInt16());
}

/// <summary>Signed doublewords to unsigned words with saturation (PACKUSDW).</summary>
readonly struct PackDwordsUnsigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Sse41.IsSupported
        ? Sse41.PackUnsignedSaturate(a.AsInt32(), b.AsInt32()).AsByte()
        : Vector128.NarrowWithSaturation(
            Vector128.Max(a.AsInt32(), Vector128<int>.Zero).AsUInt32(), Vector128.Max(b.AsInt32(), Vector128<int>.Zero).AsUInt32()).AsByte();
}

/// <summary>Four doublewords, each chosen by two bits of the immediate (PSHUFD).</summary>
readonly struct ShuffleDwords : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte order) => Vector128.ShuffleNative(a.AsUInt32(), Indices(order)).AsByte();

    /// <summary>The four two-bit fields of an immediate as vector elements: multiplied up to different heights, then cut out at one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Indices(byte order) =>
        (Vector128.Create((uint)order) * Vector128.Create(64u, 16, 4, 1)) >>> 6 & Vector128.Create(3u);
}

/// <summary>The four low words, each chosen by two bits of the immediate; the high ones stay (PSHUFLW; PSHUFW on MMX).</summary>
readonly struct ShuffleLowWords : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte order) => Vector128.ShuffleNative(
        a.AsUInt16(),
        ((Vector128.Create((ushort)order) * Vector128.Create(64, 16, 4, 1, 0, 0, 0, 0).AsUInt16()) >>> 6 & Vector128.Create((ushort)3))
            + Vector128.Create(0, 0, 0, 0, 4, 5, 6, 7).AsUInt16()).AsByte();
}

/// <summary>The four high words, each chosen by two bits of the immediate; the low ones stay (PSHUFHW).</summary>
readonly struct ShuffleHighWords : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte order) => Vector128.ShuffleNative(
        a.AsUInt16(),
        ((Vector128.Create((ushort)order) * Vector128.Create(0, 0, 0, 0, 64, 16, 4, 1).AsUInt16()) >>> 6 & Vector128.Create((ushort)3))
            + Vector128.Create(0, 1, 2, 3, 4, 4, 4, 4).AsUInt16()).AsByte();
}

/// <summary>Two elements of the first operand, then two of the second, each chosen by two bits (SHUFPS).</summary>
readonly struct ShuffleSingles : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte order)
    {
        Vector128<uint> indices = ShuffleDwords.Indices(order);
        return Vector128.Create(
            Vector128.ShuffleNative(a.AsUInt32(), indices).GetLower(), Vector128.ShuffleNative(b.AsUInt32(), indices).GetUpper()).AsByte();
    }
}

/// <summary>One element of the first operand, then one of the second, each chosen by one bit (SHUFPD).</summary>
readonly struct ShuffleDoubles : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte order) =>
        Vector128.Create((order & 1) != 0 ? Simd.High(a) : Simd.Low(a), (order & 2) != 0 ? Simd.High(b) : Simd.Low(b)).AsByte();
}

/// <summary>Four doublewords, each chosen by two bits of the second operand's (VPERMILPS).</summary>
readonly struct PermuteSingles : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 order) => Vector128.Shuffle(a.AsUInt32(), order.AsUInt32() & Vector128.Create(3u)).AsByte();
}

/// <summary>Two quadwords, each chosen by a bit: bit 1 of the second operand's, or the immediate's bits 0 and 1 (VPERMILPD).</summary>
readonly struct PermuteDoubles : IBinary, IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 order) => Vector128.Shuffle(a.AsUInt64(), order.AsUInt64() >>> 1 & Vector128<ulong>.One).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte order) => ShuffleDoubles.Apply(a, a, order);
}
