using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Shifts and rotates by CL as on the 8086, which does not mask the count: the same as by a small count of the same effect.</summary>
static class Shift8086
{
    public static T Shl<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Shl(ref f, a, Shifted(count));

    public static T Shr<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Shr(ref f, a, Shifted(count));

    public static T Sar<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Sar(ref f, a, Shifted(count));

    public static T Rol<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Rol(ref f, a, Rotated(count, Bits.Width<T>()));

    public static T Ror<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Ror(ref f, a, Rotated(count, Bits.Width<T>()));

    public static T Rcl<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Rcl(ref f, a, Rotated(count, Bits.Width<T>() + 1));

    public static T Rcr<T>(ref Flags f, T a, byte count) where T : unmanaged => Shift.Rcr(ref f, a, Rotated(count, Bits.Width<T>() + 1));

    /// <summary>Beyond 16 nothing changes any more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte Shifted(byte count) => Math.Min(count, (byte)31);

    /// <summary>Whole turns drop out, but for the last: the flags want a count that is not zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte Rotated(byte count, int ring) => count == 0 ? count : (byte)((count - 1) % ring + 1);
}
