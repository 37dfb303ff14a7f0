using System.Runtime.CompilerServices;

namespace FastVcpu.State;

/// <summary>The x87 registers as MMX registers.</summary>
static unsafe class Mmx
{
    const ushort TopMask = 7 << 11;

    /// <summary>What every MMX instruction does: TOP becomes 0, all registers valid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(CpuState* s)
    {
        s->FpuStatus = (ushort)(s->FpuStatus & ~TopMask);
        s->FpuTag = 0xFF;
    }

    /// <summary>Writes a register; its exponent becomes all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(CpuState* s, int offset, ulong value)
    {
        byte* register = (byte*)s + offset;
        *(ulong*)register = value;
        *(ushort*)(register + 8) = 0xFFFF;
    }
}
