using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
        if (typeof(T) == typeof(Vector128<byte>))
        {
            // One store, so that loads of any size are forwarded from it.
            Unsafe.WriteUnaligned(register, ((Vector128<byte>)(object)value).ToVector256());
        }
        else
        {
            if (Unsafe.SizeOf<T>() < 32)
            {
                Unsafe.InitBlockUnaligned(register, 0, 32);
            }
            Unsafe.WriteUnaligned(register, value);
        }
        Unsafe.InitBlockUnaligned(register + 32, 0, CpuState.VectorSize - 32);
    }

    /// <summary>A scalar result of VEX: what is above it, up to 128 bits, comes from another register; the rest becomes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetAndMerge<T>(CpuState* s, int offset, T value, int upper) where T : unmanaged
    {
        Vector128<T> merged = Unsafe.ReadUnaligned<Vector128<T>>((byte*)s + upper).WithElement(0, value);
        SetAndClear(s, offset, merged.AsByte());
    }
}
