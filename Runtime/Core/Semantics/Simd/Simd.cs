using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>What an instruction does to the elements of 128 bits. The wider and narrower forms are made from it by <see cref="Simd"/>.</summary>
interface IUnary
{
    static abstract V128 Apply(V128 a);
}

/// <inheritdoc cref="IUnary"/>
interface IBinary
{
    static abstract V128 Apply(V128 a, V128 b);
}

/// <inheritdoc cref="IUnary"/>
interface ITernary
{
    static abstract V128 Apply(V128 a, V128 b, V128 c);
}

/// <summary>As <see cref="IUnary"/>, with an immediate operand (or a shift count that has been limited to a byte).</summary>
interface IUnaryImmediate
{
    static abstract V128 Apply(V128 a, byte immediate);
}

/// <inheritdoc cref="IUnaryImmediate"/>
interface IBinaryImmediate
{
    static abstract V128 Apply(V128 a, V128 b, byte immediate);
}

/// <summary>Gives each vector length its form of an operation: XMM as it is, YMM by halves, MMX in the lower half.</summary>
static class Simd
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp>(V128 a) where TOp : struct, IUnary => TOp.Apply(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp>(V256 a) where TOp : struct, IUnary => Vector256.Create(TOp.Apply(a.GetLower()), TOp.Apply(a.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<TOp>(ulong a) where TOp : struct, IUnary => Low(TOp.Apply(Extend(a)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp>(V128 a, V128 b) where TOp : struct, IBinary => TOp.Apply(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp>(V256 a, V256 b) where TOp : struct, IBinary =>
        Vector256.Create(TOp.Apply(a.GetLower(), b.GetLower()), TOp.Apply(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<TOp>(ulong a, ulong b) where TOp : struct, IBinary => Low(TOp.Apply(Extend(a), Extend(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp>(V128 a, V128 b, V128 c) where TOp : struct, ITernary => TOp.Apply(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp>(V256 a, V256 b, V256 c) where TOp : struct, ITernary =>
        Vector256.Create(TOp.Apply(a.GetLower(), b.GetLower(), c.GetLower()), TOp.Apply(a.GetUpper(), b.GetUpper(), c.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp>(V128 a, byte immediate) where TOp : struct, IUnaryImmediate => TOp.Apply(a, immediate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp>(V256 a, byte immediate) where TOp : struct, IUnaryImmediate =>
        Vector256.Create(TOp.Apply(a.GetLower(), immediate), TOp.Apply(a.GetUpper(), immediate));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<TOp>(ulong a, byte immediate) where TOp : struct, IUnaryImmediate => Low(TOp.Apply(Extend(a), immediate));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp>(V128 a, V128 b, byte immediate) where TOp : struct, IBinaryImmediate => TOp.Apply(a, b, immediate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp>(V256 a, V256 b, byte immediate) where TOp : struct, IBinaryImmediate =>
        Vector256.Create(TOp.Apply(a.GetLower(), b.GetLower(), immediate), TOp.Apply(a.GetUpper(), b.GetUpper(), immediate));

    /// <summary>MMX forms of operations that take their lower result from the first and their upper result from the second operand (pack, horizontal).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pair<TOp>(ulong a, ulong b) where TOp : struct, IBinary
    {
        V128 both = Vector128.Create(a, b).AsByte();
        return Low(TOp.Apply(both, both));
    }

    /// <summary>MMX forms of operations on upper halves: the upper half of what <typeparamref name="TOp"/> makes of the operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High<TOp>(ulong a, ulong b) where TOp : struct, IBinary => High(TOp.Apply(Extend(a), Extend(b)));

    /// <summary>Shifts by the count in the low 64 bits of a vector or in an MMX register; anything above 255 shifts as far as 255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Shift<TOp>(V128 a, V128 count) where TOp : struct, IUnaryImmediate => TOp.Apply(a, (byte)Math.Min(Low(count), 255));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Shift<TOp>(V256 a, V128 count) where TOp : struct, IUnaryImmediate => Map<TOp>(a, (byte)Math.Min(Low(count), 255));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Shift<TOp>(ulong a, ulong count) where TOp : struct, IUnaryImmediate => Map<TOp>(a, (byte)Math.Min(count, 255));

    /// <summary>Operations that read half of what they write (PMOVSXBW): the operand is as wide as what they read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 FromHalf<TOp>(ulong a) where TOp : struct, IUnary => TOp.Apply(Extend(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 FromHalf<TOp>(V128 a) where TOp : struct, IUnary => Vector256.Create(TOp.Apply(a), TOp.Apply(Extend(High(a))));

    /// <summary>Operations that read a quarter of what they write (PMOVSXBD).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 FromQuarter<TOp>(uint a) where TOp : struct, IUnary => TOp.Apply(Extend(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 FromQuarter<TOp>(ulong a) where TOp : struct, IUnary => Vector256.Create(TOp.Apply(Extend(a)), TOp.Apply(Extend(a >> 32)));

    /// <summary>Operations that read an eighth of what they write (PMOVSXBQ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 FromEighth<TOp>(ushort a) where TOp : struct, IUnary => TOp.Apply(Extend(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 FromEighth<TOp>(uint a) where TOp : struct, IUnary => Vector256.Create(TOp.Apply(Extend(a)), TOp.Apply(Extend(a >> 16)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Split<TOp>(int bits, V128 a, V128 b, byte immediate) where TOp : struct, IBinaryImmediate => TOp.Apply(a, b, immediate);

    /// <summary>Operations on halves whose immediate goes on, <paramref name="bits"/> further, in the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Split<TOp>(int bits, V256 a, V256 b, byte immediate) where TOp : struct, IBinaryImmediate =>
        Vector256.Create(
            TOp.Apply(a.GetLower(), b.GetLower(), immediate), TOp.Apply(a.GetUpper(), b.GetUpper(), (byte)(immediate >> bits)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Split<TOp>(int bits, V128 a, byte immediate) where TOp : struct, IUnaryImmediate => TOp.Apply(a, immediate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Split<TOp>(int bits, V256 a, byte immediate) where TOp : struct, IUnaryImmediate =>
        Vector256.Create(TOp.Apply(a.GetLower(), immediate), TOp.Apply(a.GetUpper(), (byte)(immediate >> bits)));

    /// <summary>VPBROADCASTB and its kin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Broadcast128<T>(T a) where T : unmanaged => Vector128.Create(a).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Broadcast256<T>(T a) where T : unmanaged => Vector256.Create(a).AsByte();

    /// <summary>VTESTPS, VTESTPD: as PTEST, of the elements' signs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TestSigns<T>(ref Flags f, V128 a, V128 b) where T : unmanaged
    {
        TestMasks(ref f, SignMask<T>(a), SignMask<T>(b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TestSigns<T>(ref Flags f, V256 a, V256 b) where T : unmanaged
    {
        TestMasks(ref f, SignMask<T>(a), SignMask<T>(b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void TestMasks(ref Flags f, uint a, uint b)
    {
        f.Set<byte>((a & b) == 0 ? (byte)0 : (byte)1, (~a & b) == 0, false, false);
        f.PF = false;
    }

    /// <summary>PTEST: ZF when the operands have no bit in common, CF when the second has none that the first lacks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Test(ref Flags f, V128 a, V128 b)
    {
        f.Set<byte>((a & b) == V128.Zero ? (byte)0 : (byte)1, (~a & b) == V128.Zero, false, false);
        f.PF = false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Test(ref Flags f, V256 a, V256 b)
    {
        f.Set<byte>((a & b) == V256.Zero ? (byte)0 : (byte)1, (~a & b) == V256.Zero, false, false);
        f.PF = false;
    }

    /// <summary>The low element, zeros above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Extend<T>(T value) where T : unmanaged => Vector128.CreateScalar(Bits.Zero(value)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Low(V128 a) => a.AsUInt64().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(V128 a) => a.AsUInt64().GetElement(1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 WithHigh(V128 a, ulong high) => a.AsUInt64().WithElement(1, high).AsByte();

    /// <summary>Moves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Copy<T>(T a) where T : unmanaged => a;

    /// <summary>A general register to an MMX register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Widen<T>(T a) where T : unmanaged => Bits.Zero(a);

    /// <summary>One element replaced (PINSRW and its kin).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Insert<T>(V128 a, T value, byte index) where T : unmanaged
    {
        Vector128<T> places = Vector128<T>.Indices, place = Vector128.Create(Bits.Truncate<T>((ulong)(index & Vector128<T>.Count - 1)));
        return Vector128.ConditionalSelect(Vector128.Equals(places, place), Vector128.Create(value), a.As<byte, T>()).AsByte();
    }

    /// <summary>From the low bits of a general register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Insert<T>(V128 a, uint value, byte index) where T : unmanaged => Insert(a, Bits.Truncate<T>(value), index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Insert<T>(ulong a, uint value, byte index) where T : unmanaged =>
        Low(Insert<T>(Extend(a), value, (byte)(index & Vector64<T>.Count - 1)));

    /// <summary>One element (PEXTRW and its kin).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Extract<T>(V128 a, byte index) where T : unmanaged
    {
        int place = index * Unsafe.SizeOf<T>();
        return Bits.Truncate<T>(((place & 8) != 0 ? High(a) : Low(a)) >> (place & 7) * 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Extract<T>(ulong a, byte index) where T : unmanaged => Extract<T>(Extend(a), (byte)(index & Vector64<T>.Count - 1));

    /// <summary>The sign bits of all elements (PMOVMSKB, MOVMSKPS).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignMask<T>(V128 a) where T : unmanaged => a.As<byte, T>().ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignMask<T>(V256 a) where T : unmanaged => a.As<byte, T>().ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignMask<T>(ulong a) where T : unmanaged => SignMask<T>(Extend(a));

    /// <summary>Bytes of <paramref name="source"/> where the mask's bytes are negative, otherwise those of <paramref name="old"/> (MASKMOVDQU).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Blend(V128 old, V128 source, V128 mask) => Vector128.ConditionalSelect(Vector128.IsNegative(mask.AsSByte()).AsByte(), source, old);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Blend(ulong old, ulong source, ulong mask) => Low(Blend(Extend(old), Extend(source), Extend(mask)));
}
