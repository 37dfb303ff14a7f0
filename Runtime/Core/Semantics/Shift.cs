using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Shifts, rotates and double shifts.</summary>
/// <remarks>
/// A count of zero, after masking, changes nothing. Where the manual leaves OF undefined (count not 1), it is what the same formula gives: after left
/// shifts CF xor the top bit, after right shifts the xor of the two top bits.
/// </remarks>
static class Shift
{
    const ulong TopBit = 1UL << 63;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shl<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x << c);
        // The last bit shifted out and the new top bit, side by side.
        f.SetShift(result, x << (64 - Bits.Width<T>()) << (c - 1));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shr<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x >> c);
        f.SetShift(result, RightCarries(result, x >> (c - 1)));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sar<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        long x = (long)Bits.Sign(a);
        T result = Bits.Truncate<T>((ulong)(x >> c));
        ulong carry = (ulong)(x >> (c - 1)) << 63;
        f.SetShift(result, carry | carry >> 1);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Rol<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        c &= Bits.Width<T>() - 1;
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x << c | x >> ((Bits.Width<T>() - c) & 63));
        f.SetCarries(LeftCarries(result, Bits.Zero(result)));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Ror<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        c &= Bits.Width<T>() - 1;
        ulong x = Bits.Zero(a);
        T result = Bits.Truncate<T>(x >> c | x << ((Bits.Width<T>() - c) & 63));
        f.SetCarries(Bits.Zero(result) << (64 - Bits.Width<T>()));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Rcl<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int width = Bits.Width<T>(), c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a), carry = f.CarryValue;
        if (width == 64)
        {
            ulong rotated = x << c | carry << (c - 1) | x >> 1 >> (64 - c);
            carry = x >> (64 - c);
            x = rotated;
        }
        else
        {
            // CF is bit `width` of a ring of width + 1 bits.
            c %= width + 1;
            ulong ring = carry << width | x;
            x = ring << c | ring >> (width + 1 - c);
            carry = x >> width;
        }
        T result = Bits.Truncate<T>(x);
        f.SetCarries(LeftCarries(result, carry));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Rcr<T>(ref Flags f, T a, byte count) where T : unmanaged
    {
        int width = Bits.Width<T>(), c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a), carry = f.CarryValue;
        if (width == 64)
        {
            ulong rotated = x >> c | carry << (64 - c) | x << 1 << (64 - c);
            carry = x >> (c - 1);
            x = rotated;
        }
        else
        {
            c %= width + 1;
            ulong ring = carry << width | x;
            x = ring >> c | ring << (width + 1 - c);
            carry = x >> width;
        }
        T result = Bits.Truncate<T>(x);
        f.SetCarries(RightCarries(result, carry));
        return result;
    }

    /// <summary>SHLD: <paramref name="a"/> shifted left, filled from the top of <paramref name="b"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shld<T>(ref Flags f, T a, T b, byte count) where T : unmanaged
    {
        int width = Bits.Width<T>(), c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a), y = Bits.Zero(b), z, carry;
        if (width == 16)
        {
            // Counts beyond 16 are undefined; here the operands follow each other as a, b, a.
            ulong pair = x << 32 | y << 16 | x;
            z = pair << c >> 32;
            carry = pair << c >> 48;
        }
        else
        {
            z = x << c | y >> (width - c);
            carry = x >> (width - c);
        }
        T result = Bits.Truncate<T>(z);
        f.SetShift(result, LeftCarries(result, carry));
        return result;
    }

    /// <summary>SHRD: <paramref name="a"/> shifted right, filled from the bottom of <paramref name="b"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shrd<T>(ref Flags f, T a, T b, byte count) where T : unmanaged
    {
        int width = Bits.Width<T>(), c = Masked<T>(count);
        if (c == 0)
        {
            return a;
        }
        ulong x = Bits.Zero(a), y = Bits.Zero(b);
        if (width == 16)
        {
            x |= y << 16 | x << 32;
        }
        T result = Bits.Truncate<T>(width == 16 ? x >> c : x >> c | y << (width - c));
        f.SetShift(result, RightCarries(result, x >> (c - 1)));
        return result;
    }

    /// <summary>SHLX, SHRX, SARX, RORX: no flags.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shlx<T>(T a, T count) where T : unmanaged => Bits.Truncate<T>(Bits.Zero(a) << Masked<T>((byte)Bits.Zero(count)));

    /// <inheritdoc cref="Shlx"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shrx<T>(T a, T count) where T : unmanaged => Bits.Truncate<T>(Bits.Zero(a) >> Masked<T>((byte)Bits.Zero(count)));

    /// <inheritdoc cref="Shlx"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sarx<T>(T a, T count) where T : unmanaged =>
        Bits.Truncate<T>((ulong)((long)Bits.Sign(a) >> Masked<T>((byte)Bits.Zero(count))));

    /// <inheritdoc cref="Shlx"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Rorx<T>(T a, byte count) where T : unmanaged
    {
        int c = Masked<T>(count);
        ulong x = Bits.Zero(a);
        return Bits.Truncate<T>(x >> c | x << ((Bits.Width<T>() - c) & 63));
    }

    /// <summary>Counts are taken modulo 32, for 64-bit operands modulo 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Masked<T>(byte count) where T : unmanaged => count & (Unsafe.SizeOf<T>() == 8 ? 63 : 31);

    /// <summary>For <see cref="Flags.SetShift"/>: CF is bit 0 of <paramref name="carry"/>, OF is CF xor the top bit of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong LeftCarries<T>(T result, ulong carry) where T : unmanaged =>
        carry << 63 | (Bits.Zero(result) << (64 - Bits.Width<T>()) >> 1 & (TopBit >> 1));

    /// <summary>For <see cref="Flags.SetShift"/>: CF is bit 0 of <paramref name="carry"/>, OF is the xor of the two top bits of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong RightCarries<T>(T result, ulong carry) where T : unmanaged
    {
        ulong top = Bits.Zero(result) << (64 - Bits.Width<T>());
        return carry << 63 ^ ((carry << 63 ^ top ^ top << 1) >> 1 & (TopBit >> 1));
    }
}
