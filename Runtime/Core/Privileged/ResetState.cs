using FastVcpu.Events;
using FastVcpu.Interrupts;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The state after power-on and after INIT (SDM Vol. 3 table 10-1).</summary>
static unsafe class ResetState
{
    const int RealModeAttributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.ReadWrite | Segmentation.Accessed;
    const uint RealModeLimit = 0xFFFF;
    const uint RealModeVectors = 0x3FF;
    const int GeneralRegisters = 16, BreakpointAddresses = 4;
    const ulong DefaultPat = 0x0007040600070406, FastStrings = 1, DefaultSmBase = 0x30000;

    /// <summary>Sets it. INIT leaves the floating-point unit, the vector registers, the time, most model-specific registers and the caching bits of CR0 alone.</summary>
    public static void Initialize(Vcpu cpu, bool isPowerOn = true)
    {
        CpuState* s = cpu.State;
        const ulong Caching = Cr0.CacheDisable | Cr0.NotWriteThrough;
        ulong caching = isPowerOn ? Caching : s->Cr0 & Caching;
        new Span<ulong>(&s->Rax, GeneralRegisters).Clear();
        new Span<ulong>(&s->FirstDr, BreakpointAddresses).Clear();
        s->Flags = Flags.FromEflags(0);
        (s->Cr2, s->Cr3, s->Cr4, s->Efer) = (0, 0, 0, 0);
        (s->GdtBase, s->IdtBase) = (0, 0);
        for (int i = Segmentation.Es; i <= Segmentation.Gs; i++)
        {
            Segmentation.Set(Segmentation.Register(s, i), 0, 0, RealModeLimit, RealModeAttributes);
        }
        s->Cs.Selector = 0xF000;
        s->Cs.Base = 0xFFFF0000;
        s->Rip = 0xFFF0;
        s->Cr0 = caching & Implemented.ControlRegister0(cpu.Model) | Implemented.FixedControlRegister0(cpu.Model);
        s->IdtLimit = cpu.Model.Has(CpuFeature.I486) ? 0xFFFFu : RealModeVectors;
        s->GdtLimit = 0xFFFF;
        Segmentation.Set(&s->Ldtr, 0, 0, RealModeLimit, Segmentation.Present | SystemType.Ldt);
        Segmentation.Set(&s->Tr, 0, 0, RealModeLimit, Segmentation.Present | (cpu.Model.Has(CpuFeature.I386) ? SystemType.BusyTss32 : SystemType.BusyTss16));
        s->Dr6 = Dr6.Fixed;
        s->Dr7 = Dr7.Fixed;
        s->Rdx = cpu.Model.Signature;
        s->SystemFlags = 2;
        if (isPowerOn)
        {
            bool hasApic = cpu.Apic == null || cpu.Model.Has(CpuFeature.Apic);
            cpu.SetApicBase(hasApic ? ApicBase.Default | ApicBase.Enable | (cpu.IsBootstrap ? ApicBase.Bootstrap : 0) : 0);
            s->Xcr0 = 1;
            s->Pat = DefaultPat;
            s->MiscEnable = FastStrings;
            s->SmBase = DefaultSmBase;
        }
        cpu.SystemStateChanged();
    }
}
