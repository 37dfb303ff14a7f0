using FastVcpu.Events;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The state after reset (SDM Vol. 3 table 10-1).</summary>
static unsafe class ResetState
{
    const int RealModeAttributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.ReadWrite | Segmentation.Accessed;
    const uint RealModeLimit = 0xFFFF;
    const uint RealModeVectors = 0x3FF;
    const ulong ApicBaseEnabledBootstrap = 0xFEE00900, DefaultPat = 0x0007040600070406, FastStrings = 1, DefaultSmBase = 0x30000;

    public static void Initialize(Vcpu cpu)
    {
        CpuState* s = cpu.State;
        for (int i = Segmentation.Es; i <= Segmentation.Gs; i++)
        {
            Segmentation.Set(Segmentation.Register(s, i), 0, 0, RealModeLimit, RealModeAttributes);
        }
        s->Cs.Selector = 0xF000;
        s->Cs.Base = 0xFFFF0000;
        s->Rip = 0xFFF0;
        s->Cr0 = (Cr0.CacheDisable | Cr0.NotWriteThrough) & Implemented.ControlRegister0(cpu.Model) | Implemented.FixedControlRegister0(cpu.Model);
        s->IdtLimit = cpu.Model.Has(CpuFeature.I486) ? 0xFFFFu : RealModeVectors;
        s->GdtLimit = 0xFFFF;
        Segmentation.Set(&s->Ldtr, 0, 0, RealModeLimit, Segmentation.Present | SystemType.Ldt);
        Segmentation.Set(&s->Tr, 0, 0, RealModeLimit, Segmentation.Present | (cpu.Model.Has(CpuFeature.I386) ? SystemType.BusyTss32 : SystemType.BusyTss16));
        s->Xcr0 = 1;
        s->Dr6 = Dr6.Fixed;
        s->Dr7 = Dr7.Fixed;
        s->ApicBase = ApicBaseEnabledBootstrap;
        s->Pat = DefaultPat;
        s->MiscEnable = FastStrings;
        s->SmBase = DefaultSmBase;
        s->Rdx = cpu.Model.Signature;
        s->SystemFlags = 2;
        cpu.UpdateMode();
    }
}
