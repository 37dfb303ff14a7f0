using System.Numerics;
using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Bit tests, scans, counts and the bit manipulation extensions.</summary>
static unsafe class BitOps
{
    /// <summary>CF = the bit; the other flags stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Bt<T>(ref Flags f, T a, T index) where T : unmanaged => f.CF = (Bits.Zero(a) & Mask<T>(index)) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bts<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return Bits.Truncate<T>(Bits.Zero(a) | Mask<T>(index));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Btr<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return Bits.Truncate<T>(Bits.Zero(a) & ~Mask<T>(index));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Btc<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return Bits.Truncate<T>(Bits.Zero(a) ^ Mask<T>(index));
    }

    /// <summary>The lowest set bit; a source of zero leaves the destination and sets ZF.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bsf<T>(ref Flags f, T old, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        f.SetZeroOnly(x == 0);
        return x != 0 ? Bits.Truncate<T>((ulong)BitOperations.TrailingZeroCount(x)) : old;
    }

    /// <summary>The highest set bit; a source of zero leaves the destination and sets ZF.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bsr<T>(ref Flags f, T old, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        f.SetZeroOnly(x == 0);
        return x != 0 ? Bits.Truncate<T>((ulong)BitOperations.Log2(x)) : old;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tzcnt<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>((ulong)(x != 0 ? BitOperations.TrailingZeroCount(x) : Bits.Width<T>()));
        f.Set(result, x == 0, false, false);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Lzcnt<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>((ulong)(BitOperations.LeadingZeroCount(x) - (64 - Bits.Width<T>())));
        f.Set(result, x == 0, false, false);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Popcnt<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        f.SetZeroOnly(x == 0);
        return Bits.Truncate<T>((ulong)BitOperations.PopCount(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bextr<T>(ref Flags f, T a, T control) where T : unmanaged
    {
        int start = (byte)Bits.Zero(control), length = (byte)(Bits.Zero(control) >> 8);
        ulong x = start < 64 ? Bits.Zero(a) >> start : 0;
        T result = Bits.Truncate<T>(length < 64 ? x & ((1UL << length) - 1) : x);
        f.SetLogic(result);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bzhi<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        int n = (byte)Bits.Zero(index);
        bool whole = n >= Bits.Width<T>();
        T result = whole ? a : Bits.Truncate<T>(Bits.Zero(a) & ((1UL << n) - 1));
        f.Set(result, whole, false, false);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Blsi<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x & (0 - x));
        f.Set(result, x != 0, false, false);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Blsr<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x & (x - 1));
        f.Set(result, x == 0, false, false);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Blsmsk<T>(ref Flags f, T a) where T : unmanaged
    {
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x ^ (x - 1));
        f.Set(result, x == 0, false, false);
        return result;
    }

    /// <summary>PDEP: low bits of <paramref name="a"/> to the places that <paramref name="mask"/> names.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Pdep<T>(T a, T mask) where T : unmanaged => Bits.Truncate<T>(
        System.Runtime.Intrinsics.X86.Bmi2.X64.IsSupported
            ? System.Runtime.Intrinsics.X86.Bmi2.X64.ParallelBitDeposit(Bits.Zero(a), Bits.Zero(mask))
            : Deposit(Bits.Zero(a), Bits.Zero(mask)));

    /// <summary>PEXT: the bits of <paramref name="a"/> that <paramref name="mask"/> names, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Pext<T>(T a, T mask) where T : unmanaged => Bits.Truncate<T>(
        System.Runtime.Intrinsics.X86.Bmi2.X64.IsSupported
            ? System.Runtime.Intrinsics.X86.Bmi2.X64.ParallelBitExtract(Bits.Zero(a), Bits.Zero(mask))
            : Extract(Bits.Zero(a), Bits.Zero(mask)));

    public static ulong Deposit(ulong value, ulong mask)
    {
        ulong result = 0;
        for (; mask != 0; mask &= mask - 1, value >>= 1)
        {
            result |= (value & 1) != 0 ? mask & (0 - mask) : 0;
        }
        return result;
    }

    public static ulong Extract(ulong value, ulong mask)
    {
        ulong result = 0;
        for (int i = 0; mask != 0; mask &= mask - 1, i++)
        {
            result |= (value & mask & (0 - mask)) != 0 ? 1UL << i : 0;
        }
        return result;
    }

    /// <summary>CRC-32C of one operand; a 64-bit destination gets a zero upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Crc32(uint crc, byte data) => BitOperations.Crc32C(crc, data);

    /// <inheritdoc cref="Crc32(uint, byte)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Crc32(uint crc, ushort data) => BitOperations.Crc32C(crc, data);

    /// <inheritdoc cref="Crc32(uint, byte)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Crc32(uint crc, uint data) => BitOperations.Crc32C(crc, data);

    /// <inheritdoc cref="Crc32(uint, byte)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Crc32(uint crc, ulong data) => BitOperations.Crc32C(crc, data);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Mask<T>(T index) where T : unmanaged => 1UL << ((int)Bits.Zero(index) & (Bits.Width<T>() - 1));
}
