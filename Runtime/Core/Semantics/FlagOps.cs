using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions on the arithmetic flags themselves.</summary>
static class FlagOps
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clc(ref Flags f) => f.CF = false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stc(ref Flags f) => f.CF = true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cmc(ref Flags f) => f.CF = !f.CF;

    /// <summary>The low byte of the flags register.</summary>
    public static byte Lahf(ref Flags f) => (byte)(f.ToEflags() | 2);

    /// <summary>All from the byte but OF, which stays.</summary>
    public static void Sahf(ref Flags f, byte ah) => f = Flags.FromEflags((f.OF ? Flags.OfBit : 0) | ah);

    /// <summary>SALC: all ones when CF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Salc(ref Flags f) => f.CF ? byte.MaxValue : byte.MinValue;
}
