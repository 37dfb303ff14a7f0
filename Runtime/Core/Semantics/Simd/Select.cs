using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Elements chosen from operands.

/// <summary>Elements of the second operand where the immediate has a bit set, counted from the low end (PBLENDW, BLENDPS, BLENDPD).</summary>
readonly struct BlendByBits<T> : IBinaryImmediate where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte bits)
    {
        Vector128<T> places = Unsafe.SizeOf<T>() switch
        {
            2 => Vector128.Create(1, 2, 4, 8, 16, 32, 64, 128).As<short, T>(),
            4 => Vector128.Create(1, 2, 4, 8).As<int, T>(),
            _ => Vector128.Create(1L, 2).As<long, T>(),
        };
        Vector128<T> chosen = Vector128.Create((ulong)bits * 0x0001_0001_0001_0001).As<ulong, T>() & places;
        return Vector128.ConditionalSelect(Vector128.Equals(chosen, places), b.As<byte, T>(), a.As<byte, T>()).AsByte();
    }
}

/// <summary>Elements of the second operand where the third one's sign is set (BLENDVPS and its kin). T is signed.</summary>
readonly struct BlendBySigns<T> : ITernary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, V128 mask) =>
        Vector128.ConditionalSelect(Vector128.LessThan(mask.As<byte, T>(), Vector128<T>.Zero), b.As<byte, T>(), a.As<byte, T>()).AsByte();
}

/// <summary>Bytes chosen by the low four bits of the second operand's; zero where its sign is set (PSHUFB).</summary>
readonly struct ShuffleBytes : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 indices) => Vector128.Shuffle(a, indices & Vector128.Create((byte)0x8F));

    /// <summary>MMX: three bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mmx(ulong a, ulong indices) => Simd.Low(Apply(Simd.Extend(a), Simd.Extend(indices & 0x8787_8787_8787_8787)));
}

/// <summary>Sixteen bytes out of the second operand with the first above it, from the immediate's place on (PALIGNR).</summary>
readonly struct AlignRight : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte count)
    {
        V128 places = V128.Indices + Vector128.Create(Math.Min(count, (byte)32));
        return Vector128.Shuffle(b, places) | Vector128.Shuffle(a, places - Vector128.Create((byte)16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mmx(ulong a, ulong b, byte count) => Simd.Low(ShiftRightBytes.Apply(Vector128.Create(b, a).AsByte(), count));
}

/// <summary>The low half's elements at twice their width; signed or unsigned as T is (PMOVSX, PMOVZX).</summary>
readonly struct Widen<T> : IUnary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a)
    {
        if (typeof(T) == typeof(sbyte)) return Vector128.WidenLower(a.AsSByte()).AsByte();
        if (typeof(T) == typeof(short)) return Vector128.WidenLower(a.AsInt16()).AsByte();
        if (typeof(T) == typeof(int)) return Vector128.WidenLower(a.AsInt32()).AsByte();
        if (typeof(T) == typeof(byte)) return Vector128.WidenLower(a).AsByte();
        return typeof(T) == typeof(ushort) ? Vector128.WidenLower(a.AsUInt16()).AsByte() : Vector128.WidenLower(a.AsUInt32()).AsByte();
    }
}

/// <summary>One operation after the other.</summary>
readonly struct Then<TFirst, TSecond> : IUnary where TFirst : struct, IUnary where TSecond : struct, IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a) => TSecond.Apply(TFirst.Apply(a));
}

/// <summary>The even elements twice each (MOVSLDUP, MOVDDUP).</summary>
readonly struct DuplicateEven<T> : IUnary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a) => Unsafe.SizeOf<T>() == 4
        ? (a.AsUInt64() << 32 | a.AsUInt64() << 32 >>> 32).AsByte()
        : Vector128.Create(a.GetLower(), a.GetLower());
}

/// <summary>The odd doublewords twice each (MOVSHDUP).</summary>
readonly struct DuplicateOdd : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a) => (a.AsUInt64() >>> 32 | a.AsUInt64() >>> 32 << 32).AsByte();
}

/// <summary>INSERTPS: an element to the place in bits 4–5, then zeros where bits 0–3 are set. Bits 6–7 choose the element of a register.</summary>
static class InsertSingle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte places) => Apply(a, Simd.Extract<uint>(b, (byte)(places >> 6)), places);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, uint b, byte places) =>
        BlendByBits<uint>.Apply(Simd.Insert<uint>(a, b, (byte)(places >> 4 & 3)), V128.Zero, (byte)(places & 15));
}
