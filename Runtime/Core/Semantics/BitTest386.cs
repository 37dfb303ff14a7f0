using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Bit tests as on the 80386, which finds the bit by rotating the operand through a clear carry: OF is that of the rotation.</summary>
static class BitTest386
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Bt<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Flags rotation = Flags.FromEflags(0);
        Shift.Rcr(ref rotation, a, (byte)((Bits.Zero(index) & (ulong)(Bits.Width<T>() - 1)) + 1));
        BitOps.Bt(ref f, a, index);
        f.OF = rotation.OF;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Bts<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return BitOps.Bts(ref f, a, index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Btr<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return BitOps.Btr(ref f, a, index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Btc<T>(ref Flags f, T a, T index) where T : unmanaged
    {
        Bt(ref f, a, index);
        return BitOps.Btc(ref f, a, index);
    }
}
