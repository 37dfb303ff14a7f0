using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Shifts of all elements by one count. A count beyond the element's width gives zeros, or copies of the sign.

readonly struct ShiftLeft<T> : IUnaryImmediate where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte count) => count < Unsafe.SizeOf<T>() * 8 ? (a.As<byte, T>() << count).AsByte() : V128.Zero;
}

readonly struct ShiftRight<T> : IUnaryImmediate where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte count) => count < Unsafe.SizeOf<T>() * 8 ? (a.As<byte, T>() >>> count).AsByte() : V128.Zero;
}

readonly struct ShiftArithmetic<T> : IUnaryImmediate where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte count) => (a.As<byte, T>() >> Math.Min(count, Unsafe.SizeOf<T>() * 8 - 1)).AsByte();
}

/// <summary>All 128 bits by whole bytes (PSLLDQ).</summary>
readonly struct ShiftLeftBytes : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte count) =>
        Vector128.Shuffle(a, Vector128<byte>.Indices - Vector128.Create(Math.Min(count, (byte)16)));
}

/// <summary>All 128 bits by whole bytes (PSRLDQ).</summary>
readonly struct ShiftRightBytes : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, byte count) =>
        Vector128.Shuffle(a, Vector128<byte>.Indices + Vector128.Create(Math.Min(count, (byte)16)));
}
