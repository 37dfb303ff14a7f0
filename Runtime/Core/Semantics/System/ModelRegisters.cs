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
        if (!TimeStamp.TryMakeExact(s))
        {
            return default;
        }
        Vcpu cpu = Vcpu.Of(s);
        bool exists = MsrTable.TryRead(s, index, out ulong value), isFiltered = cpu.MsrFilter.Contains(index);
        if (exists && !isFiltered)
        {
            return ((uint)(value >> 32), (uint)value);
        }
        if (!cpu.TryAskMsr(index, isWrite: false, 0, isFiltered ? MsrExitReasons.Filter : MsrExitReasons.Unknown, out bool isAnswered) || (isAnswered && cpu.MsrFails))
        {
            Raise.GeneralProtection(s, 0);
        }
        return ((uint)(cpu.MsrData >> 32), (uint)cpu.MsrData);
    }

    public static void Write(CpuState* s, uint index, uint high, uint low)
    {
        if (!TimeStamp.TryMakeExact(s))
        {
            return;
        }
        Vcpu cpu = Vcpu.Of(s);
        ulong value = (ulong)high << 32 | low;
        bool isFiltered = cpu.MsrFilter.Contains(index);
        if (!isFiltered && MsrTable.TryWrite(s, index, value))
        {
            return;
        }
        MsrExitReasons reason = isFiltered ? MsrExitReasons.Filter : MsrTable.TryRead(s, index, out _) ? MsrExitReasons.Invalid : MsrExitReasons.Unknown;
        if (!cpu.TryAskMsr(index, isWrite: true, value, reason, out bool isAnswered) || (isAnswered && cpu.MsrFails))
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
