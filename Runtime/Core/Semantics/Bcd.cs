using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Decimal adjustments (not in 64-bit mode).</summary>
static unsafe class Bcd
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Daa(ref Flags f, byte al) => Decimal(ref f, al, 0x06, 0x60);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Das(ref Flags f, byte al) => Decimal(ref f, al, unchecked((byte)-0x06), unchecked((byte)-0x60));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aaa(ref Flags f, ushort ax) => Ascii(ref f, ax, 0x106);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aas(ref Flags f, ushort ax) => Ascii(ref f, ax, -0x106);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aam(CpuState* s, ref Flags f, byte al, byte radix)
    {
        if (radix == 0)
        {
            Raise.DivideError(s);
            return 0;
        }
        byte low = (byte)(al % radix);
        f.SetLogic(low);
        return (ushort)(al / radix << 8 | low);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aad(ref Flags f, ushort ax, byte radix)
    {
        byte low = (byte)((byte)ax + (ax >> 8) * radix);
        f.SetLogic(low);
        return low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte Decimal(ref Flags f, byte al, byte lowFix, byte highFix)
    {
        bool subtract = lowFix > 0x80;
        bool adjust = (al & 0xF) > 9 || f.AF;
        bool carry = al > 0x99 || f.CF;
        byte result = (byte)(al + (adjust ? lowFix : 0) + (carry ? highFix : 0));
        // The correction of the low digit may carry or borrow by itself only when the high digit is corrected anyway, but for DAS below 6.
        carry |= subtract && adjust && al < 6;
        f.Set(result, carry, false, adjust);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ushort Ascii(ref Flags f, ushort ax, int fix)
    {
        bool adjust = (ax & 0xF) > 9 || f.AF;
        ushort result = (ushort)(adjust ? ax + fix : ax);
        f.Set((byte)result, adjust, false, adjust);
        return (ushort)(result & 0xFF0F);
    }
}
