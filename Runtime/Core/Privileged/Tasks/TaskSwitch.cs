using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Tasks;

/// <summary>Hardware task switching (SDM Vol. 3 7.3). Up to the commit, faults are those of the old task; afterwards those of the new one.</summary>
static unsafe class TaskSwitch
{
    const uint LinkAt = 0;

    /// <summary>Switches to an available TSS. False: a fault is recorded and nothing has changed. A fault recorded with true is one of the new task.</summary>
    public static bool TryEnterSegment(CpuState* s, ushort selector, in Descriptor tss, TaskSwitchReason reason, ulong nextRip)
    {
        if (DescriptorTable.IsLocal(selector))
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return TrySwitch(s, selector, tss, reason, nextRip);
    }

    /// <summary>IRET with NT: goes back to the task that the link names.</summary>
    public static bool TryReturn(CpuState* s, ulong nextRip)
    {
        if (!TaskState.TryRead(s, LinkAt, out ushort link))
        {
            return false;
        }
        Descriptor tss = default;
        if (!DescriptorTable.IsNull(link) && !DescriptorTable.IsLocal(link) && !DescriptorTable.TryRead(s, link, FaultCode.InvalidTss, out tss))
        {
            return false;
        }
        if (tss.Type is not (SystemType.BusyTss16 or SystemType.BusyTss32) || !tss.IsSystem)
        {
            Raise.Exception(s, FaultCode.InvalidTss, DescriptorTable.ErrorCode(link));
            return false;
        }
        if (!tss.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(link));
            return false;
        }
        return TrySwitch(s, link, tss, TaskSwitchReason.Return, nextRip);
    }

    static bool TrySwitch(CpuState* s, ushort selector, in Descriptor tss, TaskSwitchReason reason, ulong nextRip)
    {
        bool is32 = (tss.Type & SystemType.Wide) != 0, was32 = (s->Tr.Attributes & SystemType.Wide) != 0;
        bool isNested = reason is TaskSwitchReason.Call or TaskSwitchReason.Event;
        if (tss.Limit < (is32 ? TaskImage.Limit32 : TaskImage.Limit16))
        {
            Raise.Exception(s, FaultCode.InvalidTss, DescriptorTable.ErrorCode(selector));
            return false;
        }
        ushort previous = s->Tr.Selector;
        if (!TaskImage.TryRead(s, tss.Base, is32, out TaskImage image)
            || !TaskImage.CanSave(s, s->Tr.Base, was32)
            || (isNested && !ImplicitAccess.CanWrite(s, tss.Base + LinkAt, sizeof(ushort)))
            || (reason != TaskSwitchReason.Return && !DescriptorTable.TrySetBusy(s, selector, busy: true))
            || (!isNested && !DescriptorTable.TrySetBusy(s, previous, busy: false)))
        {
            return false;
        }
        ulong flags = ProtectionMode.Flags(s);
        TaskImage.Save(s, s->Tr.Base, was32, nextRip, reason == TaskSwitchReason.Return ? flags & ~SystemFlagBits.NestedTask : flags);
        if (isNested)
        {
            ImplicitAccess.TryWrite(s, tss.Base + LinkAt, previous);
        }
        s->Tr = tss.ToCache(selector);
        s->Tr.Attributes |= SystemType.Busy;
        TaskEntry.Enter(s, image, is32, isNested);
        return true;
    }
}
