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
        bool isUser = Tlb.CurrentSet(s) == TlbSet.User;
        if (cpu.CodeTlb.TryFind(linear, isUser, out memory, out offset))
        {
            offset += linear & ~Tlb.PageMask;
            return true;
        }
        if (!SlowPath.IsCanonical(s, linear))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        Translation translation = cpu.Translator.Translate(cpu, linear, AccessKind.Execute, Tlb.CurrentSet(s));
        switch (translation.Status)
        {
            case TranslationStatus.PageFault:
                cpu.ForgetPage(linear);
                Raise.PageFault(s, linear, translation.ErrorCode);
                return false;
            case TranslationStatus.Mmio:
                s->Fault = FaultCode.FetchFromMmio;
                s->FaultAddress = translation.Physical | linear & ~Tlb.PageMask;
                return false;
            default:
                memory = translation.Block!;
                if (!cpu.CodeTlb.HasRoom)
                {
                    cpu.ForgetCodePages();
                }
                cpu.CodeTlb.Fill(linear, isUser, memory, translation.Offset);
                offset = translation.Offset + (linear & ~Tlb.PageMask);
                return true;
        }
    }
}
