using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Copies, extensions and exchanges.</summary>
static class Move
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Copy<T>(T a) where T : unmanaged => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Exchange<T>(T a, T b) where T : unmanaged => (b, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ZeroExtend<T>(byte a) where T : unmanaged => Bits.Truncate<T>(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ZeroExtend<T>(ushort a) where T : unmanaged => Bits.Truncate<T>(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SignExtend<T>(byte a) where T : unmanaged => Bits.Truncate<T>(Bits.Sign(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SignExtend<T>(ushort a) where T : unmanaged => Bits.Truncate<T>(Bits.Sign(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SignExtend<T>(uint a) where T : unmanaged => Bits.Truncate<T>(Bits.Sign(a));

    /// <summary>CWD, CDQ, CQO: the sign in every bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sign<T>(T a) where T : unmanaged => Bits.Truncate<T>((ulong)((long)Bits.Sign(a) >> 63));

    /// <summary>The bytes in reverse order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ReverseBytes<T>(T a) where T : unmanaged =>
        Bits.Truncate<T>(BinaryPrimitives.ReverseEndianness(Bits.Zero(a)) >> (64 - Bits.Width<T>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Zero() => 0;

    /// <summary>LEA: the effective address, truncated.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Address<T>(ulong effective) where T : unmanaged => Bits.Truncate<T>(effective);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T If<T>(ref Flags f, int cc, T a, T b) where T : unmanaged => f.Test(cc) ? b : a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Set(ref Flags f, int cc) => f.Test(cc) ? (byte)1 : (byte)0;
}
