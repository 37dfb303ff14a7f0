using FastVcpu.Interrupts;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>The model-specific registers of the core, by number. What is not here is #GP, unless the embedder answers it.</summary>
static unsafe class MsrTable
{
    /// <summary>LBR, BTF and the trace bits.</summary>
    const ulong DebugControlBits = 0xFF;

    /// <summary>TscFreqSel: the time-stamp counter runs at the rate of the highest performance state.</summary>
    const ulong TimeStampAtFullRate = 1 << 24;

    static readonly Dictionary<uint, Msr> All = Build().ToDictionary(msr => msr.Index);

    /// <summary>The registers that a CPU model has.</summary>
    public static IEnumerable<uint> Of(CpuModel model) => All.Values.Where(msr => model.Has(msr.Feature)).Select(msr => msr.Index);

    /// <summary>RDMSR. False: there is no such register.</summary>
    public static bool TryRead(CpuState* s, uint index, out ulong value)
    {
        if (ApicMsrs.TryFind(s, index, out LocalApic? apic))
        {
            return ApicMsrs.TryRead(apic, index, out value);
        }
        bool exists = TryFind(s, index, out Msr? msr);
        value = exists ? msr!.Read(s) : 0;
        return exists;
    }

    /// <summary>WRMSR. False: there is no such register, or it does not take the value.</summary>
    public static bool TryWrite(CpuState* s, uint index, ulong value) => ApicMsrs.TryFind(s, index, out LocalApic? apic)
        ? ApicMsrs.TryWrite(apic, index, value)
        : TryFind(s, index, out Msr? msr) && msr!.Write != null && msr.Write(s, value);

    /// <summary>A value of the embedder's; read-only registers take the value that they have.</summary>
    public static bool TrySet(CpuState* s, uint index, ulong value) => ApicMsrs.TryFind(s, index, out LocalApic? apic)
        ? ApicMsrs.TryWrite(apic, index, value)
        : TryFind(s, index, out Msr? msr) && ((msr!.Set ?? msr.Write) is { } set ? set(s, value) : msr.Read(s) == value);

    static bool TryFind(CpuState* s, uint index, out Msr? msr) => All.TryGetValue(index, out msr) && Vcpu.Of(s).Model.Has(msr.Feature);

    static Msr[] Build() =>
    [
        new(MsrIndex.Tsc, CpuFeature.Tsc, TimeStamp.Read, TimeStamp.TryWrite),
        new(MsrIndex.TscAdjust, CpuFeature.Tsc, s => s->TscAdjust, TimeStamp.TryAdjust),
        Msr.Bits(MsrIndex.TscAux, CpuFeature.Rdtscp, s => ref s->TscAux, uint.MaxValue),
        new(MsrIndex.ApicBase, CpuFeature.Apic, s => s->ApicBase, (s, value) => ApicMsrs.TryWriteBase(s, value, follows: true), (s, value) => ApicMsrs.TryWriteBase(s, value, follows: false)),
        Msr.Bits(MsrIndex.FeatureControl, CpuFeature.Lm, s => ref s->FeatureControl).ForEmbedder(),
        Msr.Bits(MsrIndex.MicrocodeRevision, CpuFeature.Msr, s => ref s->MicrocodeRevision),
        Msr.LowHalf(MsrIndex.SysenterCs, CpuFeature.Sep, s => ref s->SysenterCs),
        Msr.Address(MsrIndex.SysenterEsp, CpuFeature.Sep, s => ref s->SysenterEsp),
        Msr.Address(MsrIndex.SysenterEip, CpuFeature.Sep, s => ref s->SysenterEip),
        Msr.Constant(MsrIndex.MachineCheckCapability, CpuFeature.Msr, 0),
        Msr.Bits(MsrIndex.MachineCheckStatus, CpuFeature.Msr, s => ref s->MachineCheckStatus),
        Msr.Bits(MsrIndex.MiscEnable, CpuFeature.Lm, s => ref s->MiscEnable),
        Msr.Bits(MsrIndex.DebugControl, CpuFeature.Lm, s => ref s->DebugControl, DebugControlBits),
        Msr.Constant(MsrIndex.LastBranchFrom, CpuFeature.Lm, 0),
        Msr.Constant(MsrIndex.LastBranchTo, CpuFeature.Lm, 0),
        Msr.Constant(MsrIndex.LastInterruptFrom, CpuFeature.Lm, 0),
        Msr.Constant(MsrIndex.LastInterruptTo, CpuFeature.Lm, 0),
        new(MsrIndex.SupervisorState, CpuFeature.Xsaves, _ => 0, (_, value) => value == 0),
        new(MsrIndex.Efer, CpuFeature.Syscall, s => s->Efer, ExtendedFeatures.TryWrite),
        Msr.Bits(MsrIndex.Star, CpuFeature.Syscall, s => ref s->Star),
        Msr.Address(MsrIndex.Lstar, CpuFeature.Lm, s => ref s->Lstar),
        Msr.Address(MsrIndex.Cstar, CpuFeature.Lm, s => ref s->Cstar),
        Msr.LowHalf(MsrIndex.SyscallMask, CpuFeature.Lm, s => ref s->SyscallMask),
        Msr.Address(MsrIndex.FsBase, CpuFeature.Lm, s => ref s->Fs.Base),
        Msr.Address(MsrIndex.GsBase, CpuFeature.Lm, s => ref s->Gs.Base),
        Msr.Address(MsrIndex.KernelGsBase, CpuFeature.Lm, s => ref s->KernelGsBase),
        Msr.Constant(MsrIndex.SystemConfiguration, CpuFeature.Lm, 0, ignoresWrites: true),
        Msr.Constant(MsrIndex.HardwareConfiguration, CpuFeature.Lm, TimeStampAtFullRate, ignoresWrites: true),
        .. MemoryTypes.Build(),
    ];
}
