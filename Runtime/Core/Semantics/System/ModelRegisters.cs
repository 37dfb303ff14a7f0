using FastVcpu.Faults;
using FastVcpu.Privileged.Msrs;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>RDMSR, WRMSR and RDPMC.</summary>
static unsafe class ModelRegisters
{
    const uint Counters = 4;

    /// <summary>RDMSR: EDX, EAX.</summary>
    public static (uint, uint) Read(CpuState* s, uint index)
    {
        if (!MsrTable.TryRead(s, index, out ulong value))
        {
            Raise.GeneralProtection(s, 0);
        }
        return ((uint)(value >> 32), (uint)value);
    }

    public static void Write(CpuState* s, uint index, uint high, uint low)
    {
        if (!MsrTable.TryWrite(s, index, (ulong)high << 32 | low))
        {
            Raise.GeneralProtection(s, 0);
        }
    }

    /// <summary>RDPMC: EDX, EAX. There are counters, and nothing that they count.</summary>
    public static (uint, uint) ReadCounter(CpuState* s, uint index)
    {
        if (index >= Counters || (s->Cpl != 0 && (s->Cr4 & Cr4.PerformanceCounters) == 0))
        {
            Raise.GeneralProtection(s, 0);
        }
        return default;
    }
}
