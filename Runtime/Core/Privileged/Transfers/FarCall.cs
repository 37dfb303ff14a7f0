using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>CALL to another segment (SDM Vol. 2, CALL).</summary>
static unsafe class FarCall
{
    /// <summary>False: a fault is recorded and nothing has changed. A fault recorded with true is one of the task that has been switched to.</summary>
    public static bool TryCall(CpuState* s, ushort selector, ulong offset, int size, ulong nextRip)
    {
        if (!ProtectionMode.IsProtected(s))
        {
            return TryCallReal(s, selector, offset, size, nextRip);
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
            return CodeSegment.TryCheckSameLevel(s, selector, descriptor, checksRpl: true) && TryCallSameLevel(s, selector, descriptor, offset, size, nextRip);
        }
        if (!Gate.TryCheckAccess(s, selector, descriptor))
        {
            return false;
        }
        return descriptor.Type switch
        {
            SystemType.CallGate16 or SystemType.CallGate32 => TryCallThroughGate(s, descriptor, nextRip),
            SystemType.TaskGate => TaskGate.TryEnter(s, descriptor, TaskSwitchReason.Call, nextRip),
            _ => TaskSwitch.TryEnterSegment(s, selector, descriptor, TaskSwitchReason.Call, nextRip),
        };
    }

    static bool TryCallReal(CpuState* s, ushort selector, ulong offset, int size, ulong nextRip)
    {
        TransferStack stack = TransferStack.Current(s);
        if (!FarJump.TryCheckRealTarget(s, offset) || !stack.TryPush(s->Cs.Selector, size) || !stack.TryPush(nextRip, size))
        {
            return false;
        }
        stack.Commit();
        FarJump.EnterReal(s, selector, offset);
        return true;
    }

    /// <summary>The return address goes to the stack in use, in the width of the code that pushes.</summary>
    static bool TryCallSameLevel(CpuState* s, ushort selector, in Descriptor code, ulong offset, int size, ulong nextRip)
    {
        TransferStack stack = TransferStack.CurrentFor(s, CodeSegment.Is64(s, code));
        if (!CodeSegment.TryCheckTarget(s, code, offset)
            || !stack.TryPush(s->Cs.Selector, size)
            || !stack.TryPush(nextRip, size)
            || !CodeSegment.TryLoad(s, selector, code, s->Cpl, offset))
        {
            return false;
        }
        stack.Commit();
        return true;
    }

    static bool TryCallThroughGate(CpuState* s, in Descriptor gate, ulong nextRip)
    {
        ushort selector = gate.TargetSelector;
        if (!Gate.TryReadTarget(s, gate, out Descriptor code) || !CodeSegment.TryCheckCode(s, selector, code, code.Dpl <= s->Cpl))
        {
            return false;
        }
        ulong offset = Gate.TargetOffset(gate);
        int size = Gate.SlotSize(s, gate);
        return !code.IsConforming && code.Dpl < s->Cpl
            ? TryCallMorePrivileged(s, gate, code, offset, size, nextRip)
            : TryCallSameLevel(s, selector, code, offset, size, nextRip);
    }

    /// <summary>The stack of the new level comes from the TSS; parameters are copied to it.</summary>
    static bool TryCallMorePrivileged(CpuState* s, in Descriptor gate, in Descriptor code, ulong offset, int size, ulong nextRip)
    {
        int cpl = code.Dpl;
        int parameters = ProtectionMode.IsLong(s) ? 0 : gate.ParameterCount;
        if (!InnerStack.TryRead(s, cpl, out TransferStack stack) || !CodeSegment.TryCheckTarget(s, code, offset)
            || !stack.TryPush(s->Ss.Selector, size) || !stack.TryPush(s->Rsp, size))
        {
            return false;
        }
        ulong* copied = stackalloc ulong[parameters];
        TransferStack outer = TransferStack.Current(s);
        for (int i = 0; i < parameters; i++)
        {
            if (!outer.TryPop(size, out copied[i]))
            {
                return false;
            }
        }
        for (int i = parameters - 1; i >= 0; i--)
        {
            if (!stack.TryPush(copied[i], size))
            {
                return false;
            }
        }
        if (!stack.TryPush(s->Cs.Selector, size) || !stack.TryPush(nextRip, size)
            || !CodeSegment.TryLoad(s, gate.TargetSelector, code, cpl, offset))
        {
            return false;
        }
        stack.Commit();
        return true;
    }
}
