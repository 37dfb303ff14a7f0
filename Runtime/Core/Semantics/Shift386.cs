using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// Shifts as on the 80386, with the flags that the manual leaves undefined: AF is set, and a byte shifted by 16 or 24 shows in CF the bit that a shift by 8
/// does.
/// </summary>
static class Shift386
{
    const int ByteBits = 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shl<T>(ref Flags f, T a, byte count) where T : unmanaged => SetAdjust(ref f, Shift.Shl(ref f, a, Repeated<T>(count)), count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Shr<T>(ref Flags f, T a, byte count) where T : unmanaged => SetAdjust(ref f, Shift.Shr(ref f, a, Repeated<T>(count)), count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sar<T>(ref Flags f, T a, byte count) where T : unmanaged => SetAdjust(ref f, Shift.Sar(ref f, a, count), count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T SetAdjust<T>(ref Flags f, T result, byte count) where T : unmanaged
    {
        f.AF |= Masked(count) != 0;
        return result;
    }

    /// <summary>Of a byte nothing is left after 8 as after 16 or 24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte Repeated<T>(byte count) where T : unmanaged =>
        Bits.Width<T>() == ByteBits && Masked(count) is 2 * ByteBits or 3 * ByteBits ? (byte)ByteBits : count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Masked(byte count) => count & 31;
}
