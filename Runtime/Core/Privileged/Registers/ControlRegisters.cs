using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Paging;
using FastVcpu.State;

namespace FastVcpu.Privileged.Registers;

/// <summary>Writes of CR0, CR3, CR4 and CR8, with what they switch (SDM Vol. 3 2.5, 4.1, 9.8.5). False: #GP(0) is recorded and nothing has changed.</summary>
static unsafe class ControlRegisters
{
    const ulong TaskPriority = 0xF, Pcid = 0xFFF, KeepTranslations = 1UL << 63;

    /// <summary>The CR0 bits that LMSW writes; it cannot clear PE.</summary>
    const ulong MachineStatus = Cr0.ProtectionEnable | Cr0.MonitorCoprocessor | Cr0.Emulation | Cr0.TaskSwitched;

    public static bool TryLoadCr0(CpuState* s, ulong value)
    {
        Vcpu cpu = Vcpu.Of(s);
        bool pages = (value & Cr0.Paging) != 0, paged = (s->Cr0 & Cr0.Paging) != 0;
        bool isConsistent = value <= uint.MaxValue
            && (!pages || (value & Cr0.ProtectionEnable) != 0)
            && ((value & Cr0.NotWriteThrough) == 0 || (value & Cr0.CacheDisable) != 0);
        if (!isConsistent
            || (pages && !paged && !CanEnablePaging(s))
            || (!pages && paged && (ProtectionMode.Is64BitCode(s) || (s->Cr4 & Cr4.ProcessContextIds) != 0)))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        bool entersLong = pages && (s->Efer & Efer.LongModeEnable) != 0;
        if (pages && !paged && !entersLong && !TryLoadDirectoryPointers(s, s->Cr3))
        {
            return false;
        }
        s->Cr0 = value & Implemented.ControlRegister0(cpu.Model) | Implemented.FixedControlRegister0(cpu.Model);
        s->Efer = entersLong ? s->Efer | Efer.LongModeActive : s->Efer & ~Efer.LongModeActive;
        cpu.Flush(PendingBits.FlushTranslations);
        return true;
    }

    /// <summary>LMSW.</summary>
    public static bool TryLoadMachineStatus(CpuState* s, ushort value) =>
        TryLoadCr0(s, s->Cr0 & (~MachineStatus | Cr0.ProtectionEnable) | value & MachineStatus);

    /// <summary>CLTS.</summary>
    public static void ClearTaskSwitched(CpuState* s) => s->Cr0 &= ~Cr0.TaskSwitched;

    public static bool TryLoadCr3(CpuState* s, ulong value)
    {
        if ((s->Cr4 & Cr4.ProcessContextIds) != 0)
        {
            // Keeping translations is a permission, not a duty.
            value &= ~KeepTranslations;
        }
        if (ProtectionMode.IsLong(s) && (value & s->PhysicalReserved) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        if ((s->Cr0 & Cr0.Paging) != 0 && !ProtectionMode.IsLong(s) && !TryLoadDirectoryPointers(s, value))
        {
            return false;
        }
        s->Cr3 = value;
        Vcpu.Of(s).Flush(PendingBits.FlushTranslations);
        return true;
    }

    public static bool TryLoadCr4(CpuState* s, ulong value)
    {
        Vcpu cpu = Vcpu.Of(s);
        ulong changed = s->Cr4 ^ value;
        bool isLong = ProtectionMode.IsLong(s);
        bool isConsistent = (value & ~Implemented.ControlRegister4(cpu.Model)) == 0
            && (!isLong || ((value & Cr4.PhysicalAddressExtension) != 0 && (changed & Cr4.LinearAddress57) == 0))
            && ((changed & value & Cr4.ProcessContextIds) == 0 || (isLong && (s->Cr3 & Pcid) == 0));
        if (!isConsistent)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        const ulong Reloads = Cr4.PhysicalAddressExtension | Cr4.PageSizeExtensions | Cr4.PageGlobal | Cr4.SupervisorExecutionPrevention;
        bool usesPointers = (s->Cr0 & Cr0.Paging) != 0 && !isLong && (value & Cr4.PhysicalAddressExtension) != 0;
        if (usesPointers && (changed & Reloads) != 0 && !TryReadDirectoryPointers(s, s->Cr3))
        {
            return false;
        }
        s->Cr4 = value;
        UpdateLinearWidth(s);
        // CR4.DE enables I/O breakpoints.
        cpu.Debugging.Update();
        cpu.Flush(PendingBits.FlushTranslations);
        return true;
    }

    public static bool TryLoadCr8(CpuState* s, ulong value)
    {
        if ((value & ~TaskPriority) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        Vcpu cpu = Vcpu.Of(s);
        if (cpu.Apic == null && value < s->Cr8)
        {
            s->Fault = FaultCode.SetTpr;
        }
        cpu.SetTaskPriority((uint)value);
        return true;
    }

    /// <summary>XSETBV of XCR0.</summary>
    public static bool TryLoadExtendedControl(CpuState* s, ulong value)
    {
        if (!IsExtendedControl(Vcpu.Of(s).Model, value))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        s->Xcr0 = value;
        return true;
    }

    /// <summary>A value that XCR0 can have: x87 always, and AVX not without SSE.</summary>
    public static bool IsExtendedControl(CpuModel model, ulong value) =>
        (value & ~Implemented.ExtendedControl0(model)) == 0 && (value & Xcr0.X87) != 0 && ((value & Xcr0.Avx) == 0 || (value & Xcr0.Sse) != 0);

    /// <summary>Linear addresses have 57 bits with CR4.LA57.</summary>
    public static void UpdateLinearWidth(CpuState* s) =>
        s->LinearShift = 64 - ((s->Cr4 & Cr4.LinearAddress57) != 0 ? Implemented.LinearAddressBits5 : Implemented.LinearAddressBits);

    /// <summary>Long mode wants PAE, code that is not 64-bit yet, and no 16-bit TSS.</summary>
    static bool CanEnablePaging(CpuState* s)
    {
        if ((s->Efer & Efer.LongModeEnable) == 0)
        {
            return true;
        }
        const int Wide = Descriptors.SystemType.Wide;
        bool has16BitTss = (s->Tr.Attributes & Segmentation.Present) != 0 && (s->Tr.Attributes & Wide) == 0;
        return (s->Cr4 & Cr4.PhysicalAddressExtension) != 0 && (s->Cs.Attributes & Segmentation.LongMode) == 0 && !has16BitTss;
    }

    static bool TryLoadDirectoryPointers(CpuState* s, ulong cr3) =>
        (s->Cr4 & Cr4.PhysicalAddressExtension) == 0 || TryReadDirectoryPointers(s, cr3);

    static bool TryReadDirectoryPointers(CpuState* s, ulong cr3)
    {
        if (DirectoryPointers.TryLoad(s, Vcpu.Of(s).Physical, cr3))
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }
}
