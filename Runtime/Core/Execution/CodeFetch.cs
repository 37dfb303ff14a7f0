using System.Diagnostics.CodeAnalysis;
using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Where instructions are fetched from.</summary>
static unsafe class CodeFetch
{
    /// <summary>Linear address of an instruction pointer.</summary>
    public static ulong Linear(CpuState* s, ulong rip) =>
        (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? rip : (uint)(s->Cs.Base + rip);

    /// <summary>The memory at a linear address, for execution. False: a fault is recorded.</summary>
    public static bool TryLocate(Vcpu cpu, CpuState* s, ulong linear, [NotNullWhen(true)] out MemoryBlock? memory, out ulong offset)
    {
        memory = null;
        offset = 0;
        if (!SlowPath.IsCanonical(linear))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        Translation translation = cpu.Translator.Translate(cpu, linear, AccessKind.Execute);
        switch (translation.Status)
        {
            case TranslationStatus.PageFault:
                Raise.PageFault(s, linear, translation.ErrorCode);
                return false;
            case TranslationStatus.Mmio:
                s->Fault = FaultCode.FetchFromMmio;
                s->FaultAddress = translation.Physical | linear & ~Tlb.PageMask;
                return false;
            default:
                memory = translation.Block!;
                offset = translation.Offset + (linear & ~Tlb.PageMask);
                return true;
        }
    }
}
