using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Multiplication and division.</summary>
static unsafe class MulDiv
{
    /// <summary>AL × operand → AX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort MulByte(ref Flags f, byte a, byte b)
    {
        ushort product = (ushort)(a * b);
        bool wide = product > byte.MaxValue;
        f.Set((byte)product, wide, wide, false);
        return product;
    }

    /// <summary>Signed AL × operand → AX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort ImulByte(ref Flags f, byte a, byte b)
    {
        int product = (sbyte)a * (sbyte)b;
        bool wide = product != (sbyte)product;
        f.Set((byte)product, wide, wide, false);
        return (ushort)product;
    }

    /// <summary>High and low half of the product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Mul<T>(ref Flags f, T a, T b) where T : unmanaged
    {
        ulong x = Bits.Zero(a), y = Bits.Zero(b), low = x * y;
        ulong high = Unsafe.SizeOf<T>() == 8 ? WideMultiply.High(x, y) : low >> Bits.Width<T>();
        T result = Bits.Truncate<T>(low);
        bool wide = high != 0;
        f.Set(result, wide, wide, false);
        return (Bits.Truncate<T>(high), result);
    }

    /// <summary>High and low half of the signed product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) ImulWide<T>(ref Flags f, T a, T b) where T : unmanaged
    {
        long x = (long)Bits.Sign(a), y = (long)Bits.Sign(b), low = x * y;
        long high = Unsafe.SizeOf<T>() == 8 ? WideMultiply.High(x, y) : low >> Bits.Width<T>();
        T result = Bits.Truncate<T>((ulong)low);
        bool wide = high != (long)Bits.Sign(result) >> 63;
        f.Set(result, wide, wide, false);
        return (Bits.Truncate<T>((ulong)high), result);
    }

    /// <summary>The truncated signed product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Imul<T>(ref Flags f, T a, T b) where T : unmanaged => ImulWide(ref f, a, b).Item2;

    /// <summary>MULX: low and high half, no flags.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Mulx<T>(T a, T b) where T : unmanaged
    {
        Flags ignored = default;
        (T high, T low) = Mul(ref ignored, a, b);
        return (low, high);
    }

    /// <summary>AX ÷ operand → AH remainder, AL quotient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort DivByte(CpuState* s, ushort dividend, byte divisor)
    {
        if (dividend >> 8 >= divisor)
        {
            Raise.DivideError(s);
            return 0;
        }
        return (ushort)(dividend / divisor | dividend % divisor << 8);
    }

    /// <summary>Signed AX ÷ operand → AH remainder, AL quotient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort IdivByte(CpuState* s, ushort dividend, byte divisor)
    {
        int x = (short)dividend, y = (sbyte)divisor;
        int quotient = y == 0 ? int.MaxValue : x / y;
        if (quotient != (sbyte)quotient)
        {
            Raise.DivideError(s);
            return 0;
        }
        return (ushort)((byte)quotient | x % y << 8);
    }

    /// <summary>high:low ÷ divisor → remainder, quotient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Div<T>(CpuState* s, T high, T low, T divisor) where T : unmanaged
    {
        ulong h = Bits.Zero(high), l = Bits.Zero(low), y = Bits.Zero(divisor);
        if (h >= y)
        {
            Raise.DivideError(s);
            return default;
        }
        ulong quotient, remainder;
        if (Unsafe.SizeOf<T>() == 8 && h != 0)
        {
            (quotient, remainder) = DivWide(h, l, y);
        }
        else
        {
            ulong x = Unsafe.SizeOf<T>() == 8 ? l : h << Bits.Width<T>() | l;
            quotient = x / y;
            remainder = x - quotient * y;
        }
        return (Bits.Truncate<T>(remainder), Bits.Truncate<T>(quotient));
    }

    /// <summary>Signed high:low ÷ divisor → remainder, quotient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Idiv<T>(CpuState* s, T high, T low, T divisor) where T : unmanaged
    {
        long y = (long)Bits.Sign(divisor);
        if (y == 0)
        {
            Raise.DivideError(s);
            return default;
        }
        long x = (long)(Unsafe.SizeOf<T>() == 8 ? Bits.Zero(low) : Bits.Sign(high) << Bits.Width<T>() | Bits.Zero(low));
        long h = (long)Bits.Sign(high), quotient, remainder;
        if (Unsafe.SizeOf<T>() == 8 && (h != x >> 63 || y == -1))
        {
            quotient = IdivWide(s, h, x, y);
            remainder = x - quotient * y;
        }
        else
        {
            // The quotient of the smallest number and -1 does not exist in .NET either.
            if (y == -1)
            {
                (quotient, remainder) = (-x, 0);
            }
            else
            {
                quotient = x / y;
                remainder = x - quotient * y;
            }
            if (quotient != (long)Bits.Sign(Bits.Truncate<T>((ulong)quotient)) || (y == -1 && x == long.MinValue))
            {
                Raise.DivideError(s);
                return default;
            }
        }
        return (Bits.Truncate<T>((ulong)remainder), Bits.Truncate<T>((ulong)quotient));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static (ulong Quotient, ulong Remainder) DivWide(ulong high, ulong low, ulong divisor)
    {
        (UInt128 quotient, UInt128 remainder) = UInt128.DivRem(new UInt128(high, low), divisor);
        return ((ulong)quotient, (ulong)remainder);
    }

    /// <summary>The quotient of 128 by 64 bits: of magnitudes, then its sign. #DE when it does not fit.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static long IdivWide(CpuState* s, long high, long low, long divisor)
    {
        UInt128 dividend = new((ulong)high, (ulong)low);
        UInt128 magnitude = high < 0 ? UInt128.Zero - dividend : dividend;
        ulong by = divisor < 0 ? 0 - (ulong)divisor : (ulong)divisor;
        UInt128 quotient = magnitude / by;
        bool negative = high < 0 != divisor < 0;
        if (quotient > (negative ? 1UL << 63 : long.MaxValue))
        {
            Raise.DivideError(s);
        }
        return (long)(ulong)(negative ? UInt128.Zero - quotient : quotient);
    }
}
