using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>The stack of a more privileged level, which the TSS names (SDM Vol. 3 5.8.5).</summary>
static unsafe class InnerStack
{
    /// <summary>The stack for <paramref name="cpl"/>. In long mode there is no stack segment. False: a fault is recorded.</summary>
    public static bool TryRead(CpuState* s, int cpl, out TransferStack stack)
    {
        stack = default;
        if (ProtectionMode.IsLong(s))
        {
            if (!TaskState.TryReadLongStack(s, cpl, out ulong rsp))
            {
                return false;
            }
            stack = TransferStack.Switched(s, StackSegment.Null(cpl), rsp, cpl, is64: true, 0);
            return true;
        }
        if (!TaskState.TryReadStack(s, cpl, out ushort selector, out ulong pointer)
            || !StackSegment.TryRead(s, selector, cpl, is64: false, FaultCode.InvalidTss, out SegmentCache segment))
        {
            return false;
        }
        stack = TransferStack.Switched(s, segment, pointer, cpl, is64: false, DescriptorTable.ErrorCode(selector));
        return true;
    }
}
