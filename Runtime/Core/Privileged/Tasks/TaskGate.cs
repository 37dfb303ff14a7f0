using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Tasks;

/// <summary>Transfers through a task gate; the gate itself has been checked.</summary>
static unsafe class TaskGate
{
    /// <summary>False: a fault is recorded and nothing has changed. A fault recorded with true is one of the new task.</summary>
    public static bool TryEnter(CpuState* s, in Descriptor gate, TaskSwitchReason reason, ulong nextRip)
    {
        ushort selector = gate.TargetSelector;
        Descriptor tss = default;
        if (!DescriptorTable.IsNull(selector) && !DescriptorTable.IsLocal(selector)
            && !DescriptorTable.TryRead(s, selector, FaultCode.GeneralProtection, out tss))
        {
            return false;
        }
        if (tss.Type is not (SystemType.AvailableTss16 or SystemType.AvailableTss32) || !tss.IsSystem)
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(selector));
            return false;
        }
        if (!tss.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return TaskSwitch.TryEnterSegment(s, selector, tss, reason, nextRip);
    }
}
