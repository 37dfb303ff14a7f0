using FastVcpu.Events;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The state after reset (SDM Vol. 3 table 10-1).</summary>
static unsafe class ResetState
{
    const int RealModeAttributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.ReadWrite | Segmentation.Accessed;
    const uint RealModeLimit = 0xFFFF;
    const ulong Cr0CacheDisableNotWriteThroughExtensionType = 0x60000010;

    const ulong ApicBaseEnabledBootstrap = 0xFEE00900;

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
        s->Cr0 = Cr0CacheDisableNotWriteThroughExtensionType;
        s->IdtLimit = 0x3FF;
        s->GdtLimit = 0xFFFF;
        s->Xcr0 = 1;
        s->Dr6 = Dr6.Fixed;
        s->Dr7 = Dr7.Fixed;
        s->ApicBase = ApicBaseEnabledBootstrap;
        s->Rdx = cpu.Model.Signature;
        s->SystemFlags = 2;
        cpu.UpdateMode();
    }
}
