using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>VZEROUPPER and VZEROALL. Outside 64-bit mode there are eight registers.</summary>
static unsafe class VectorState
{
    const int XmmBytes = 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ClearUpper(CpuState* s, int registers)
    {
        byte* register = (byte*)s + CpuState.VectorOffset;
        for (int i = 0; i < registers; i++, register += CpuState.VectorSize)
        {
            Unsafe.InitBlockUnaligned(register + XmmBytes, 0, CpuState.VectorSize - XmmBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(CpuState* s, int registers)
    {
        byte* register = (byte*)s + CpuState.VectorOffset;
        for (int i = 0; i < registers; i++, register += CpuState.VectorSize)
        {
            Unsafe.InitBlockUnaligned(register, 0, CpuState.VectorSize);
        }
    }
}
