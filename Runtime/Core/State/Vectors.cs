using System.Runtime.CompilerServices;

namespace FastVcpu.State;

/// <summary>Writes of vector registers.</summary>
static unsafe class Vectors
{
    /// <summary>Legacy SSE: the rest of the register stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, int offset, T value) where T : unmanaged => Unsafe.WriteUnaligned((byte*)s + offset, value);

    /// <summary>VEX: the rest of the register becomes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetAndClear<T>(CpuState* s, int offset, T value) where T : unmanaged
    {
        byte* register = (byte*)s + offset;
        if (Unsafe.SizeOf<T>() < 32)
        {
            Unsafe.InitBlockUnaligned(register, 0, 32);
        }
        Unsafe.InitBlockUnaligned(register + 32, 0, CpuState.VectorSize - 32);
        Unsafe.WriteUnaligned(register, value);
    }
}
