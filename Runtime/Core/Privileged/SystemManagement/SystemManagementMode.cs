using FastVcpu.Memory;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu.Privileged.SystemManagement;

/// <summary>Entry of system-management mode by an SMI, and its end by RSM (SDM Vol. 3 chapter 32).</summary>
static unsafe class SystemManagementMode
{
    const ulong EntryPoint = 0x8000, ResetDr7 = 0x400;
    const int Attributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.ReadWrite | Segmentation.Accessed | Segmentation.Granularity;

    /// <summary>Saves the state and goes to the handler, in real mode with segments of 4 GiB.</summary>
    public static void Enter(Vcpu cpu)
    {
        CpuState* s = cpu.State;
        Span<byte> bytes = stackalloc byte[SaveArea.Size];
        bytes.Clear();
        SaveArea area = new(bytes, isSave: true)
        {
            Cr0 = s->Cr0,
            Cr3 = s->Cr3,
            Cr4 = s->Cr4,
            Efer = s->Efer,
            Flags = ProtectionMode.Flags(s),
            SmBase = s->SmBase,
        };
        Transfer(cpu, ref area);
        cpu.Physical.TryWrite(s->SmBase + SaveArea.Offset, bytes);
        s->InSmm = 1;
        s->SmmInsideNmi = s->NmiMasked;
        s->NmiMasked = 1;
        s->Shadow = InterruptShadow.None;
        s->Flags = default;
        FlagsImage.Load(s, 0, ulong.MaxValue);
        s->Rip = EntryPoint;
        s->Cr0 &= ~(Cr0.ProtectionEnable | Cr0.Emulation | Cr0.TaskSwitched | Cr0.Paging);
        s->Cr4 = 0;
        s->Efer = 0;
        s->Dr7 = ResetDr7;
        s->IdtBase = 0;
        s->IdtLimit = 0;
        for (int i = Segmentation.Es; i <= Segmentation.Gs; i++)
        {
            Segmentation.Set(Segmentation.Register(s, i), 0, 0, uint.MaxValue, Attributes);
        }
        s->Cs.Selector = (ushort)(s->SmBase >> 4);
        s->Cs.Base = s->SmBase;
        cpu.SystemStateChanged();
    }

    /// <summary>RSM. False: the area holds a state that cannot be, and the CPU shuts down.</summary>
    public static bool TryLeave(Vcpu cpu)
    {
        CpuState* s = cpu.State;
        Span<byte> bytes = stackalloc byte[SaveArea.Size];
        cpu.Physical.TryRead(s->SmBase + SaveArea.Offset, bytes);
        SaveArea area = new(bytes, isSave: false);
        Transfer(cpu, ref area);
        if (!SystemState.IsConsistent(cpu.Model, area.Cr0, area.Cr4, area.Efer))
        {
            return false;
        }
        s->Cr0 = area.Cr0;
        s->Cr3 = area.Cr3;
        s->Cr4 = area.Cr4;
        s->Efer = area.Efer;
        s->SmBase = area.SmBase;
        FlagsImage.Load(s, area.Flags, ulong.MaxValue);
        s->InSmm = 0;
        s->NmiMasked = s->SmmInsideNmi;
        s->SmmInsideNmi = 0;
        cpu.SystemStateChanged();
        return true;
    }

    static void Transfer(Vcpu cpu, ref SaveArea area)
    {
        if (cpu.Model.Has(CpuFeature.Lm))
        {
            SaveArea64.Transfer(cpu.State, ref area);
        }
        else
        {
            SaveArea32.Transfer(cpu.State, ref area);
        }
    }
}
