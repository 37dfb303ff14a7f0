using FastVcpu.Decode;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The state that a program finds under an operating system: CPL 3, flat segments, all units enabled.</summary>
static unsafe class UserMode
{
    // The selectors of Linux.
    const ushort Code32Selector = 0x23, DataSelector = 0x2B, Code64Selector = 0x33;

    const ulong Code32Descriptor = 0x00CFFB000000FFFF, DataDescriptor = 0x00CFF3000000FFFF, Code64Descriptor = 0x00AFFB000000FFFF;

    public static void Initialize(Vcpu cpu, CodeSize size)
    {
        CpuState* s = cpu.State;
        bool is64 = size == CodeSize.Bits64;
        cpu.SetDescriptor(Code32Selector >> 3, Code32Descriptor);
        cpu.SetDescriptor(DataSelector >> 3, DataDescriptor);
        cpu.SetDescriptor(Code64Selector >> 3, cpu.Model.Has(CpuFeature.Lm) ? Code64Descriptor : 0);
        s->Cpl = 3;
        s->Cr0 = (Cr0.ProtectionEnable | Cr0.AlignmentMask | Cr0.Paging | Cr0.NumericError | Cr0.MonitorCoprocessor | Cr0.WriteProtect | Cr0.ExtensionType) & Implemented.ControlRegister0(cpu.Model)
            | Implemented.FixedControlRegister0(cpu.Model);
        s->Cr4 = (Cr4.OsFxsr | Cr4.OsXmmException | Cr4.OsXsave | Cr4.FsGsBase | Cr4.UserModeInstructionPrevention) & Implemented.ControlRegister4(cpu.Model);
        s->Xcr0 = Implemented.ExtendedControl0(cpu.Model);
        s->Efer = cpu.Model.Has(CpuFeature.Lm) ? Efer.LongModeActive | Efer.LongModeEnable | Efer.SystemCall : 0;
        s->SystemFlags = SystemFlagBits.Interrupt | 2;
        Segmentation.SetFromDescriptor(&s->Cs, is64 ? Code64Selector : Code32Selector, is64 ? Code64Descriptor : Code32Descriptor);
        Segmentation.SetFromDescriptor(&s->Ss, DataSelector, DataDescriptor);
        ushort data = is64 ? (ushort)0 : DataSelector;
        Segmentation.SetFromDescriptor(&s->Ds, data, is64 ? 0 : DataDescriptor);
        Segmentation.SetFromDescriptor(&s->Es, data, is64 ? 0 : DataDescriptor);
        Segmentation.SetFromDescriptor(&s->Fs, 0, 0);
        Segmentation.SetFromDescriptor(&s->Gs, 0, 0);
        cpu.UpdateMode();
    }
}
