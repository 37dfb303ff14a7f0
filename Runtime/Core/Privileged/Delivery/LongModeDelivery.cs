using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>Events in long mode: through 64-bit gates, to an aligned stack that may come from the interrupt stack table (SDM Vol. 3 6.14).</summary>
static unsafe class LongModeDelivery
{
    const int Size = 8;
    const ulong StackAlignment = ~0xFUL;

    public static bool TryDeliver(CpuState* s, in EventFrame frame)
    {
        if (!InterruptTable.TryReadGate(s, frame, out Descriptor gate) || !InterruptTable.TryReadHandler(s, gate, out Descriptor code))
        {
            return false;
        }
        bool switches = !code.IsConforming && code.Dpl < s->Cpl;
        int cpl = switches ? code.Dpl : s->Cpl;
        ulong rsp = s->Rsp;
        bool found = gate.InterruptStack != 0 ? TaskState.TryReadInterruptStack(s, gate.InterruptStack, out rsp)
            : !switches || TaskState.TryReadLongStack(s, cpl, out rsp);
        if (!found || !CodeSegment.TryCheckTarget(s, code, gate.TargetOffset))
        {
            return false;
        }
        SegmentCache segment = switches ? StackSegment.Null(cpl) : s->Ss;
        TransferStack stack = TransferStack.Switched(s, segment, rsp & StackAlignment, cpl, is64: true, 0);
        if (!stack.TryPush(s->Ss.Selector, Size) || !stack.TryPush(s->Rsp, Size) || !stack.TryPush(frame.Flags, Size)
            || !stack.TryPush(s->Cs.Selector, Size) || !stack.TryPush(frame.ReturnRip, Size)
            || (frame.ErrorCode is { } errorCode && !stack.TryPush(errorCode, Size))
            || !CodeSegment.TryLoad(s, gate.TargetSelector, code, cpl, gate.TargetOffset))
        {
            return false;
        }
        stack.Commit();
        s->SystemFlags &= ~InterruptTable.ClearedFlags(gate);
        return true;
    }
}
