using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>Writes of EFER.</summary>
static unsafe class ExtendedFeatures
{
    public static bool TryWrite(CpuState* s, ulong value)
    {
        Vcpu cpu = Vcpu.Of(s);
        bool pages = (s->Cr0 & Cr0.Paging) != 0;
        // LMA follows from LME and CR0.PG; LME cannot change while paging is on.
        if ((value & ~Implemented.ExtendedFeatures(cpu.Model)) != 0 || (pages && ((value ^ s->Efer) & Efer.LongModeEnable) != 0))
        {
            return false;
        }
        s->Efer = value & ~Efer.LongModeActive | s->Efer & Efer.LongModeActive;
        cpu.Flush(PendingBits.FlushTranslations);
        return true;
    }
}
