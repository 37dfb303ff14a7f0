using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.Privileged.Paging;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>The embedder has set something that may make the state one that cannot be.</summary>
    bool hasNewState;

    /// <summary>All general registers at once (KVM_GET_REGS, KVM_SET_REGS). Setting them cancels a pending exception.</summary>
    public GeneralRegisters Registers
    {
        get
        {
            CpuState* s = State;
            ulong* r = &s->Rax;
            return new GeneralRegisters
            {
                Rax = r[0],
                Rcx = r[1],
                Rdx = r[2],
                Rbx = r[3],
                Rsp = r[4],
                Rbp = r[5],
                Rsi = r[6],
                Rdi = r[7],
                R8 = r[8],
                R9 = r[9],
                R10 = r[10],
                R11 = r[11],
                R12 = r[12],
                R13 = r[13],
                R14 = r[14],
                R15 = r[15],
                Rip = s->Rip,
                Rflags = GetRflags(),
            };
        }
        set
        {
            ulong* r = &State->Rax;
            (r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]) = (value.Rax, value.Rcx, value.Rdx, value.Rbx, value.Rsp, value.Rbp, value.Rsi, value.Rdi);
            (r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]) = (value.R8, value.R9, value.R10, value.R11, value.R12, value.R13, value.R14, value.R15);
            SetRip(value.Rip);
            SetRflags(value.Rflags);
        }
    }

    /// <summary>All segment and control registers at once (KVM_GET_SREGS, KVM_SET_SREGS).</summary>
    /// <exception cref="ArgumentException">Control registers and EFER that do not fit each other or the model. Nothing has changed.</exception>
    public SystemRegisters SystemRegisters
    {
        get
        {
            CpuState* s = State;
            return new SystemRegisters
            {
                Es = Get(&s->Es),
                Cs = Get(&s->Cs),
                Ss = Get(&s->Ss),
                Ds = Get(&s->Ds),
                Fs = Get(&s->Fs),
                Gs = Get(&s->Gs),
                Ldt = Get(&s->Ldtr),
                Tr = Get(&s->Tr),
                Gdt = new TableRegister(s->GdtBase, (ushort)s->GdtLimit),
                Idt = new TableRegister(s->IdtBase, (ushort)s->IdtLimit),
                Cr0 = s->Cr0,
                Cr2 = s->Cr2,
                Cr3 = s->Cr3,
                Cr4 = s->Cr4,
                Cr8 = s->Cr8,
                Efer = s->Efer,
                ApicBase = s->ApicBase,
            };
        }
        set
        {
            CheckSystemRegisters(value);
            CpuState* s = State;
            Set(&s->Es, value.Es);
            Set(&s->Cs, value.Cs);
            Set(&s->Ss, value.Ss);
            Set(&s->Ds, value.Ds);
            Set(&s->Fs, value.Fs);
            Set(&s->Gs, value.Gs);
            Set(&s->Ldtr, value.Ldt);
            Set(&s->Tr, value.Tr);
            (s->GdtBase, s->GdtLimit) = (value.Gdt.Base, value.Gdt.Limit);
            (s->IdtBase, s->IdtLimit) = (value.Idt.Base, value.Idt.Limit);
            (s->Cr0, s->Cr2, s->Cr3, s->Cr4, s->Efer) = (value.Cr0, value.Cr2, value.Cr3, value.Cr4, value.Efer);
            SetApicBase(value.ApicBase);
            SetTaskPriority((uint)value.Cr8);
            SystemStateChanged();
        }
    }

    /// <summary>Brings all that depends on system registers up to date after several have been set at once.</summary>
    internal void SystemStateChanged()
    {
        ControlRegisters.UpdateLinearWidth(state);
        if (!isUserMode && ProtectionMode.UsesDirectoryPointers(state))
        {
            DirectoryPointers.TryLoad(state, Physical, state->Cr3);
        }
        Flush(Execution.PendingBits.FlushTranslations);
        Debugging.Update();
        PrivilegeChanged();
    }

    /// <summary>A segment or the flags have been set: the privilege level goes with them, and the next run looks whether the state can be.</summary>
    internal void PrivilegeChanged()
    {
        if (!isUserMode)
        {
            hasNewState = true;
            state->Cpl = SystemState.PrivilegeLevel(state);
        }
        UpdateMode();
    }

    /// <summary>The state that the embedder has set is one that a processor can be in. False: the run ends with <see cref="ExitReason.FailEntry"/>.</summary>
    bool CheckEntry()
    {
        const ulong InvalidGuestState = 0x80000021;
        CpuState* s = state;
        bool isLong = ProtectionMode.IsLong(s);
        const int LongAndBig = Segmentation.LongMode | Segmentation.DefaultBig;
        bool fails = isLong && ((s->SystemFlags & SystemFlagBits.Virtual8086) != 0 || (s->Cs.Attributes & LongAndBig) == LongAndBig);
        hasNewState = fails;
        if (fails)
        {
            exit = new VcpuExit { Reason = ExitReason.FailEntry, Data = InvalidGuestState };
        }
        return !fails;
    }

    void CheckSystemRegisters(SystemRegisters value)
    {
        CheckApicBase(value.ApicBase);
        if (value.Cr8 > 15)
        {
            throw new ArgumentException($"CR8 {value.Cr8:x}h is greater than 15.", nameof(value));
        }
        if (!SystemState.IsConsistent(Model, value.Cr0, value.Cr4, value.Efer))
        {
            throw new ArgumentException(
                $"CR0 {value.Cr0:x}h, CR4 {value.Cr4:x}h and EFER {value.Efer:x}h do not fit each other, or {Model.Name} does not have all of their bits.", nameof(value));
        }
    }

    static SegmentRegister Get(SegmentCache* segment) =>
        new() { Base = segment->Base, Limit = segment->Limit, Selector = segment->Selector, Attributes = segment->Attributes };

    static void Set(SegmentCache* segment, SegmentRegister value) => Segmentation.Set(segment, value.Selector, value.Base, value.Limit, value.Attributes);
}
