using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The bits of system registers that a CPU model has.</summary>
static class Implemented
{
    /// <summary>Width of linear addresses with 4-level and with 5-level paging.</summary>
    public const int LinearAddressBits = 48, LinearAddressBits5 = 57;

    /// <summary>Width of physical addresses, as CPUID reports it.</summary>
    public static int PhysicalAddressBits(CpuModel model) =>
        model.Has(CpuFeature.Lm) ? 48 : model.Has(CpuFeature.Pae) || model.Has(CpuFeature.Pse36) ? 36 : 32;

    /// <summary>RFLAGS without the arithmetic flags.</summary>
    public static ulong Flags(CpuModel model) =>
        SystemFlagBits.Trap | SystemFlagBits.Interrupt | SystemFlagBits.Direction
        | If(model, CpuFeature.I286, SystemFlagBits.IoPrivilege | SystemFlagBits.NestedTask)
        | If(model, CpuFeature.I386, SystemFlagBits.Resume | SystemFlagBits.Virtual8086)
        | If(model, CpuFeature.I486, SystemFlagBits.AlignmentCheck)
        | If(model, CpuFeature.Vme, SystemFlagBits.VirtualInterrupt | SystemFlagBits.VirtualInterruptPending)
        | If(model, CpuFeature.Cpuid, SystemFlagBits.Identification);

    /// <summary>CR0.</summary>
    public static ulong ControlRegister0(CpuModel model) =>
        Cr0.ProtectionEnable | Cr0.MonitorCoprocessor | Cr0.Emulation | Cr0.TaskSwitched
        | If(model, CpuFeature.I386, Cr0.Paging)
        | If(model, CpuFeature.I486, Cr0.NumericError | Cr0.WriteProtect | Cr0.AlignmentMask | Cr0.NotWriteThrough | Cr0.CacheDisable);

    /// <summary>Bits of CR0 that are always one: ET, because the coprocessor is a 387; on the 80286, which has a machine status word only, its upper bits.</summary>
    public static ulong FixedControlRegister0(CpuModel model) => model.Has(CpuFeature.I386) ? Cr0.ExtensionType : 0xFFF0;

    /// <summary>CR4; a model without any has no CR4.</summary>
    public static ulong ControlRegister4(CpuModel model) =>
        If(model, CpuFeature.Vme, Cr4.Virtual8086Extensions | Cr4.ProtectedVirtualInterrupts)
        | If(model, CpuFeature.Tsc, Cr4.TimeStampDisable)
        | If(model, CpuFeature.De, Cr4.DebuggingExtensions)
        | If(model, CpuFeature.Pse, Cr4.PageSizeExtensions)
        | If(model, CpuFeature.Pae, Cr4.PhysicalAddressExtension)
        | If(model, CpuFeature.Msr, Cr4.MachineCheck)
        | If(model, CpuFeature.Pge, Cr4.PageGlobal)
        | If(model, CpuFeature.Mmx, Cr4.PerformanceCounters)
        | If(model, CpuFeature.Fxsr, Cr4.OsFxsr)
        | If(model, CpuFeature.Sse, Cr4.OsXmmException)
        | If(model, CpuFeature.Umip, Cr4.UserModeInstructionPrevention)
        | If(model, CpuFeature.La57, Cr4.LinearAddress57)
        | If(model, CpuFeature.Fsgsbase, Cr4.FsGsBase)
        | If(model, CpuFeature.Pcid, Cr4.ProcessContextIds)
        | If(model, CpuFeature.Xsave, Cr4.OsXsave)
        | If(model, CpuFeature.Smep, Cr4.SupervisorExecutionPrevention)
        | If(model, CpuFeature.Smap, Cr4.SupervisorAccessPrevention);

    /// <summary>EFER.</summary>
    public static ulong ExtendedFeatures(CpuModel model) =>
        If(model, CpuFeature.Syscall, Efer.SystemCall)
        | If(model, CpuFeature.Lm, Efer.LongModeEnable | Efer.LongModeActive | Efer.FastFxsave)
        | If(model, CpuFeature.Nx, Efer.NoExecute);

    /// <summary>XCR0.</summary>
    public static ulong ExtendedControl0(CpuModel model) => Xcr0.X87 | Xcr0.Sse | If(model, CpuFeature.Avx, Xcr0.Avx);

    static ulong If(CpuModel model, CpuFeature feature, ulong bits) => model.Has(feature) ? bits : 0;
}
