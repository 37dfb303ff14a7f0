using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Integer arithmetic, comparison and logic, element by element.

readonly struct Add<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => (a.As<byte, T>() + b.As<byte, T>()).AsByte();
}

readonly struct Subtract<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => (a.As<byte, T>() - b.As<byte, T>()).AsByte();
}

readonly struct AddSaturate<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.AddSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

readonly struct SubtractSaturate<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.SubtractSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

readonly struct And : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => a & b;
}

/// <summary>The complement of the first operand and the second.</summary>
readonly struct AndNot : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => ~a & b;
}

readonly struct Or : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => a | b;
}

readonly struct Xor : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => a ^ b;
}

readonly struct CompareEqual<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.Equals(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

readonly struct CompareGreater<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.GreaterThan(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

readonly struct Min<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.Min(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

readonly struct Max<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Vector128.Max(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>The average of unsigned elements, rounded up.</summary>
readonly struct Average<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        Vector128<T> half = ((a ^ b).As<byte, T>() >>> 1) & Vector128<T>.AllBitsSet;
        return ((a | b).As<byte, T>() - half).AsByte();
    }
}

/// <summary>The low half of each product.</summary>
readonly struct MultiplyLow<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => (a.As<byte, T>() * b.As<byte, T>()).AsByte();
}

/// <summary>The high half of each product of signed words.</summary>
readonly struct MultiplyHighSigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        if (Sse2.IsSupported) return Sse2.MultiplyHigh(a.AsInt16(), b.AsInt16()).AsByte();
        (Vector128<int> al, Vector128<int> ah) = Vector128.Widen(a.AsInt16());
        (Vector128<int> bl, Vector128<int> bh) = Vector128.Widen(b.AsInt16());
        return Vector128.Narrow((al * bl) >> 16, (ah * bh) >> 16).AsByte();
    }
}

/// <summary>The high half of each product of unsigned words.</summary>
readonly struct MultiplyHighUnsigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        if (Sse2.IsSupported) return Sse2.MultiplyHigh(a.AsUInt16(), b.AsUInt16()).AsByte();
        (Vector128<uint> al, Vector128<uint> ah) = Vector128.Widen(a.AsUInt16());
        (Vector128<uint> bl, Vector128<uint> bh) = Vector128.Widen(b.AsUInt16());
        return Vector128.Narrow((al * bl) >>> 16, (ah * bh) >>> 16).AsByte();
    }
}

/// <summary>Products of signed words, neighbours added (PMADDWD).</summary>
readonly struct MultiplyAddWords : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        if (Sse2.IsSupported) return Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        Vector128<int> x = a.AsInt32(), y = b.AsInt32();
        return ((x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16)).AsByte();
    }
}

/// <summary>64-bit products of the even unsigned doublewords (PMULUDQ).</summary>
readonly struct MultiplyEvenUnsigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        if (Sse2.IsSupported) return Sse2.Multiply(a.AsUInt32(), b.AsUInt32()).AsByte();
        Vector128<ulong> low = Vector128.Create((ulong)uint.MaxValue);
        return ((a.AsUInt64() & low) * (b.AsUInt64() & low)).AsByte();
    }
}

/// <summary>Sums of the absolute differences of eight bytes each (PSADBW).</summary>
readonly struct SumAbsoluteDifferences : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        if (Sse2.IsSupported) return Sse2.SumAbsoluteDifferences(a, b).AsByte();
        V128 difference = Vector128.Max(a, b) - Vector128.Min(a, b);
        Vector128<ushort> pairs = (difference.AsUInt16() & Vector128.Create((ushort)0xFF)) + (difference.AsUInt16() >>> 8);
        Vector128<uint> quads = (pairs.AsUInt32() & Vector128.Create(0xFFFFu)) + (pairs.AsUInt32() >>> 16);
        return ((quads.AsUInt64() & Vector128.Create(0xFFFFUL)) + (quads.AsUInt64() >>> 32)).AsByte();
    }
}

/// <summary>64-bit products of the even signed doublewords (PMULDQ).</summary>
readonly struct MultiplyEvenSigned : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => Sse41.IsSupported
        ? Sse41.Multiply(a.AsInt32(), b.AsInt32()).AsByte()
        : ((a.AsInt64() << 32 >> 32) * (b.AsInt64() << 32 >> 32)).AsByte();
}

/// <summary>The high 17 bits of each product of signed words, rounded to 16 (PMULHRSW).</summary>
readonly struct MultiplyHighRounded : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        (Vector128<int> al, Vector128<int> ah) = Vector128.Widen(a.AsInt16());
        (Vector128<int> bl, Vector128<int> bh) = Vector128.Widen(b.AsInt16());
        Vector128<int> half = Vector128.Create(1 << 14);
        return Vector128.Narrow((al * bl + half) >> 15, (ah * bh + half) >> 15).AsByte();
    }
}

/// <summary>T is signed.</summary>
readonly struct Absolute<T> : IUnary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a) => Sign<T>.Apply(a, a);
}

/// <summary>The first operand negated, cleared or as it is, by the sign of the second (PSIGNB and its kin). T is signed.</summary>
readonly struct Sign<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        Vector128<T> x = a.As<byte, T>(), y = b.As<byte, T>(), negative = Vector128.LessThan(y, Vector128<T>.Zero);
        return (((x ^ negative) - negative) & ~Vector128.Equals(y, Vector128<T>.Zero)).AsByte();
    }
}
