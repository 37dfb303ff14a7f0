using FastVcpu.Events;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu.Privileged.Tasks;

/// <summary>Loads the registers of a new task. A fault that is recorded belongs to the new task, before its first instruction.</summary>
static unsafe class TaskEntry
{
    const ulong LocalBreakpoints = 0x155;

    public static void Enter(CpuState* s, in TaskImage image, bool is32, bool isNested)
    {
        LoadRegisters(s, image, is32, isNested);
        if (is32 && (s->Cr0 & Cr0.Paging) != 0 && !ControlRegisters.TryLoadCr3(s, image.Cr3))
        {
            return;
        }
        if (TryLoadLdt(s, image.Ldt) && TryLoadSegments(s, image) && image.Traps)
        {
            s->PendingDebug |= Dr6.TaskSwitch;
        }
    }

    static void LoadRegisters(CpuState* s, in TaskImage image, bool is32, bool isNested)
    {
        for (int i = 0; i < 8; i++)
        {
            (&s->Rax)[i] = image.General[i];
        }
        for (int i = 0; i < 6; i++)
        {
            // Until its descriptor has been checked, a segment cannot be used.
            Segmentation.Set(Segmentation.Register(s, i), image.Segments[i], 0, 0, 0);
        }
        ulong flags = image.Eflags | (isNested ? SystemFlagBits.NestedTask : 0);
        FlagsImage.Load(s, flags, ulong.MaxValue);
        s->SystemFlags |= 2;
        s->Rip = image.Eip;
        s->Cr0 |= Cr0.TaskSwitched;
        DropLocalBreakpoints(s);
        Segmentation.Set(&s->Ldtr, image.Ldt, 0, 0, 0);
        // A fault before CS and SS are loaded finds its handler's stack by a change of privilege.
        s->Cpl = 3;
    }

    static void DropLocalBreakpoints(CpuState* s)
    {
        if ((s->Dr7 & LocalBreakpoints) != 0)
        {
            s->Dr7 &= ~LocalBreakpoints;
            Vcpu.Of(s).Debugging.Update();
        }
    }

    static bool TryLoadLdt(CpuState* s, ushort selector)
    {
        if (DescriptorTable.IsNull(selector))
        {
            return true;
        }
        Descriptor ldt = default;
        if (!DescriptorTable.IsLocal(selector) && !DescriptorTable.TryRead(s, selector, FaultCode.InvalidTss, out ldt))
        {
            return false;
        }
        if (!ldt.IsSystem || ldt.Type != SystemType.Ldt || !ldt.IsPresent)
        {
            Raise.Exception(s, FaultCode.InvalidTss, DescriptorTable.ErrorCode(selector));
            return false;
        }
        s->Ldtr = ldt.ToCache(selector);
        return true;
    }

    static bool TryLoadSegments(CpuState* s, in TaskImage image)
    {
        if (ProtectionMode.IsVirtual8086(s))
        {
            for (int i = Segmentation.Es; i <= Segmentation.Gs; i++)
            {
                Segmentation.SetVirtual8086(Segmentation.Register(s, i), image.Segments[i]);
            }
            return TryCheckTarget(s);
        }
        ushort cs = image.Segments[Segmentation.Cs], ss = image.Segments[Segmentation.Ss];
        int cpl = cs & 3;
        if (!TryReadCode(s, cs, out SegmentCache code)
            || !StackSegment.TryRead(s, ss, cpl, is64: false, FaultCode.InvalidTss, out SegmentCache stack))
        {
            return false;
        }
        s->Cs = code;
        s->Ss = stack;
        s->Cpl = cpl;
        ReadOnlySpan<int> registers = [Segmentation.Es, Segmentation.Ds, Segmentation.Fs, Segmentation.Gs];
        foreach (int index in registers)
        {
            if (!DataSegment.TryRead(s, image.Segments[index], cpl, FaultCode.InvalidTss, out SegmentCache segment))
            {
                return false;
            }
            *Segmentation.Register(s, index) = segment;
        }
        return TryCheckTarget(s);
    }

    static bool TryReadCode(CpuState* s, ushort selector, out SegmentCache code)
    {
        code = default;
        Descriptor descriptor = default;
        if (!DescriptorTable.IsNull(selector) && !DescriptorTable.TryRead(s, selector, FaultCode.InvalidTss, out descriptor))
        {
            return false;
        }
        int rpl = selector & 3;
        if (!descriptor.IsCode || (descriptor.IsConforming ? descriptor.Dpl > rpl : descriptor.Dpl != rpl))
        {
            Raise.Exception(s, FaultCode.InvalidTss, DescriptorTable.ErrorCode(selector));
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return DataSegment.TrySetAccessed(s, selector, descriptor, out code);
    }

    static bool TryCheckTarget(CpuState* s)
    {
        if (s->Rip <= s->Cs.Limit)
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }
}
