using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Operations between neighbours.

/// <summary>An operation on the even and the odd elements of both operands: first those of <c>a</c>, then those of <c>b</c> (PHADDW and its kin).</summary>
readonly struct Horizontal<TOp, T> : IBinary where TOp : struct, IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b) => TOp.Apply(Neighbours.Even<T>(a, b), Neighbours.Odd<T>(a, b));
}

static class Neighbours
{
    /// <summary>The even elements of <c>a</c>, then those of <c>b</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Even<T>(V128 a, V128 b) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        2 => Vector128.Narrow(a.AsUInt32(), b.AsUInt32()).AsByte(),
        4 => Vector128.Narrow(a.AsUInt64(), b.AsUInt64()).AsByte(),
        _ => UnpackLow<ulong>.Apply(a, b),
    };

    /// <summary>The odd elements of <c>a</c>, then those of <c>b</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Odd<T>(V128 a, V128 b) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        2 => Vector128.Narrow(a.AsUInt32() >>> 16, b.AsUInt32() >>> 16).AsByte(),
        4 => Vector128.Narrow(a.AsUInt64() >>> 32, b.AsUInt64() >>> 32).AsByte(),
        _ => UnpackHigh<ulong>.Apply(a, b),
    };
}

/// <summary>Products of unsigned and signed bytes, neighbours added with saturation (PMADDUBSW).</summary>
readonly struct MultiplyAddBytes : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        Vector128<short> x = a.AsInt16(), y = b.AsInt16();
        return Vector128.AddSaturate((x & Vector128.Create((short)0xFF)) * (y << 8 >> 8), (x >>> 8) * (y >> 8)).AsByte();
    }
}

/// <summary>Eight sums of four absolute differences: four bytes of the second operand against those at eight places of the first (MPSADBW).</summary>
readonly struct MultipleSumAbsoluteDifferences : IBinaryImmediate
{
    public static V128 Apply(V128 a, V128 b, byte places)
    {
        a = ShiftRightBytes.Apply(a, (byte)(places & 4));
        uint block = Simd.Extract<uint>(b, (byte)(places & 3));
        Vector128<ushort> sum = default;
        for (int i = 0; i < 4; i++)
        {
            Vector128<ushort> x = Vector128.WidenLower(a), y = Vector128.Create((ushort)(byte)(block >> 8 * i));
            sum += Vector128.Max(x, y) - Vector128.Min(x, y);
            a = ShiftRightBytes.Apply(a, 1);
        }
        return sum.AsByte();
    }
}

/// <summary>The smallest unsigned word and, above it, its place (PHMINPOSUW).</summary>
readonly struct MinimumPosition : IUnary
{
    public static V128 Apply(V128 a)
    {
        uint best = uint.MaxValue;
        for (byte i = 0; i < 8; i++)
        {
            best = Math.Min(best, (uint)Simd.Extract<ushort>(a, i) << 16 | i);
        }
        return Simd.Extend(best >> 16 | best << 16);
    }
}
