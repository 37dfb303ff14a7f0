using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Decimal adjustments as on the 80386 and its predecessors: the flags that the manual leaves undefined are those of the addition that adjusts AL.</summary>
static unsafe class Bcd386
{
    const byte Digit = 6, SignBit = 0x80;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Daa(ref Flags f, byte al)
    {
        byte result = Bcd.Daa(ref f, al);
        f.OF = (~al & result & SignBit) != 0;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Das(ref Flags f, byte al)
    {
        byte result = Bcd.Das(ref f, al);
        f.OF = (al & ~result & SignBit) != 0;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aaa(ref Flags f, ushort ax)
    {
        byte al = (byte)ax;
        ushort result = Bcd.Aaa(ref f, ax);
        byte sum = (byte)(f.AF ? al + Digit : al);
        f.Set(sum, f.AF, (~al & sum & SignBit) != 0, f.AF);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aas(ref Flags f, ushort ax)
    {
        byte al = (byte)ax;
        ushort result = Bcd.Aas(ref f, ax);
        byte difference = (byte)(f.AF ? al - Digit : al);
        f.Set(difference, f.AF, (al & ~difference & SignBit) != 0, f.AF);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aad(ref Flags f, ushort ax, byte radix) => f.SetAdd((byte)ax, (byte)((ax >> 8) * radix), 0);
}
