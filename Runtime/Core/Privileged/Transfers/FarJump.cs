using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>JMP to another segment (SDM Vol. 2, JMP).</summary>
static unsafe class FarJump
{
    /// <summary>False: a fault is recorded and nothing has changed. A fault recorded with true is one of the task that has been switched to.</summary>
    public static bool TryJump(CpuState* s, ushort selector, ulong offset, ulong nextRip)
    {
        if (!ProtectionMode.IsProtected(s))
        {
            if (!TryCheckRealTarget(s, offset))
            {
                return false;
            }
            EnterReal(s, selector, offset);
            return true;
        }
        if (DescriptorTable.IsNull(selector))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        if (!DescriptorTable.TryRead(s, selector, FaultCode.GeneralProtection, out Descriptor descriptor))
        {
            return false;
        }
        if (!descriptor.IsSystem)
        {
            return CodeSegment.TryCheckSameLevel(s, selector, descriptor, checksRpl: true)
                && CodeSegment.TryCheckTarget(s, descriptor, offset)
                && CodeSegment.TryLoad(s, selector, descriptor, s->Cpl, offset);
        }
        if (!Gate.TryCheckAccess(s, selector, descriptor))
        {
            return false;
        }
        return descriptor.Type switch
        {
            SystemType.CallGate16 or SystemType.CallGate32 => TryJumpThroughGate(s, descriptor),
            SystemType.TaskGate => TaskGate.TryEnter(s, descriptor, TaskSwitchReason.Jump, nextRip),
            _ => TaskSwitch.TryEnterSegment(s, selector, descriptor, TaskSwitchReason.Jump, nextRip),
        };
    }

    /// <summary>Real and virtual-8086 mode: the target lies within the limit, which does not change; else #GP(0).</summary>
    public static bool TryCheckRealTarget(CpuState* s, ulong offset)
    {
        if (offset <= s->Cs.Limit)
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    /// <summary>Real and virtual-8086 mode: goes to a segment by its paragraph.</summary>
    public static void EnterReal(CpuState* s, ushort selector, ulong offset)
    {
        Segmentation.SetReal(s, Segmentation.Cs, selector);
        s->Rip = offset;
    }

    static bool TryJumpThroughGate(CpuState* s, in Descriptor gate)
    {
        ulong offset = Gate.TargetOffset(gate);
        return Gate.TryReadTarget(s, gate, out Descriptor code)
            && CodeSegment.TryCheckSameLevel(s, gate.TargetSelector, code, checksRpl: false)
            && CodeSegment.TryCheckTarget(s, code, offset)
            && CodeSegment.TryLoad(s, gate.TargetSelector, code, s->Cpl, offset);
    }
}
