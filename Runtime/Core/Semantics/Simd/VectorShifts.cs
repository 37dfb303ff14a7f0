using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// Shifts of all elements by one count, then by one for each. A count beyond the element's width gives zeros, or copies of the sign.

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

/// <summary>Each element by the other operand's (VPSLLVD, VPSLLVQ).</summary>
readonly struct ShiftLeftEach<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 counts) => !Avx2.IsSupported ? ElementShifts.Apply<T>(a, counts, ElementShifts.Left)
        : typeof(T) == typeof(uint) ? Avx2.ShiftLeftLogicalVariable(a.AsUInt32(), counts.AsUInt32()).AsByte()
        : Avx2.ShiftLeftLogicalVariable(a.AsUInt64(), counts.AsUInt64()).AsByte();
}

/// <summary>Each element by the other operand's (VPSRLVD, VPSRLVQ).</summary>
readonly struct ShiftRightEach<T> : IBinary where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 counts) => !Avx2.IsSupported ? ElementShifts.Apply<T>(a, counts, ElementShifts.Right)
        : typeof(T) == typeof(uint) ? Avx2.ShiftRightLogicalVariable(a.AsUInt32(), counts.AsUInt32()).AsByte()
        : Avx2.ShiftRightLogicalVariable(a.AsUInt64(), counts.AsUInt64()).AsByte();
}

/// <summary>Each signed doubleword by the other operand's (VPSRAVD).</summary>
readonly struct ShiftArithmeticEach : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 counts) => Avx2.IsSupported
        ? Avx2.ShiftRightArithmeticVariable(a.AsInt32(), counts.AsUInt32()).AsByte() : ElementShifts.Apply<uint>(a, counts, ElementShifts.Arithmetic);
}

/// <summary>Shifts of elements in portable code.</summary>
static unsafe class ElementShifts
{
    public const int Left = 0, Right = 1, Arithmetic = 2;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Apply<T>(V128 a, V128 counts, int kind) where T : unmanaged
    {
        V128 result = default;
        for (int i = 0; i < sizeof(V128) / sizeof(T); i++)
        {
            ulong value = Element.Get<T>(&a, i), count = Element.Get<T>(&counts, i);
            bool isBeyond = count >= (ulong)sizeof(T) * 8;
            Element.Set<T>(&result, i, kind switch
            {
                Arithmetic => (ulong)((int)value >> (isBeyond ? 31 : (int)count)),
                _ when isBeyond => 0,
                Left => value << (int)count,
                _ => value >> (int)count,
            });
        }
        return result;
    }
}
