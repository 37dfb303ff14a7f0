using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>Events in protected and virtual-8086 mode: through gates of 16 and 32 bits, and task gates (SDM Vol. 3 6.12).</summary>
static unsafe class ProtectedModeDelivery
{
    public static bool TryDeliver(CpuState* s, in EventFrame frame)
    {
        if (frame.Kind == EventKind.SoftwareInterrupt && ProtectionMode.IsVirtual8086(s))
        {
            if ((s->Cr4 & Cr4.Virtual8086Extensions) != 0 && Virtual8086Delivery.IsRedirected(s, frame.Vector))
            {
                return Virtual8086Delivery.TryDeliver(s, frame);
            }
            if (s->Fault != FaultCode.None)
            {
                return false;
            }
            if (ProtectionMode.IoPrivilege(s) < 3)
            {
                Raise.GeneralProtection(s, 0);
                return false;
            }
        }
        if (!InterruptTable.TryReadGate(s, frame, out Descriptor gate))
        {
            return false;
        }
        return gate.Type == SystemType.TaskGate ? TryEnterTask(s, frame, gate) : TryEnterHandler(s, frame, gate);
    }

    /// <summary>The new task's link leads back; the error code goes to its stack.</summary>
    static bool TryEnterTask(CpuState* s, in EventFrame frame, in Descriptor gate)
    {
        // The image that is saved is the one that would be pushed.
        ulong flags = s->SystemFlags;
        s->SystemFlags |= frame.Flags & SystemFlagBits.Resume;
        if (!TaskGate.TryEnter(s, gate, TaskSwitchReason.Event, frame.ReturnRip))
        {
            s->SystemFlags = flags;
            return false;
        }
        if (s->Fault == FaultCode.None && frame.ErrorCode is { } errorCode)
        {
            TransferStack stack = TransferStack.Current(s);
            if (stack.TryPush(errorCode, (s->Tr.Attributes & SystemType.Wide) != 0 ? 4 : 2))
            {
                stack.Commit();
            }
        }
        return true;
    }

    static bool TryEnterHandler(CpuState* s, in EventFrame frame, in Descriptor gate)
    {
        if (!InterruptTable.TryReadHandler(s, gate, out Descriptor code))
        {
            return false;
        }
        ushort selector = gate.TargetSelector;
        int size = (gate.Type & SystemType.Wide) != 0 ? 4 : 2;
        ulong offset = Gate.TargetOffset(gate);
        bool wasVirtual8086 = ProtectionMode.IsVirtual8086(s), switches = !code.IsConforming && code.Dpl < s->Cpl;
        if (wasVirtual8086 && (!switches || code.Dpl != 0))
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(selector));
            return false;
        }
        TransferStack stack = TransferStack.Current(s);
        if (switches && !InnerStack.TryRead(s, code.Dpl, out stack))
        {
            return false;
        }
        if (!CodeSegment.TryCheckTarget(s, code, offset)
            || (wasVirtual8086 && !TryPushSegments(s, ref stack, size))
            || (switches && !(stack.TryPush(s->Ss.Selector, size) && stack.TryPush(s->Rsp, size)))
            || !TryPushFrame(s, frame, ref stack, size)
            || !CodeSegment.TryLoad(s, selector, code, switches ? code.Dpl : s->Cpl, offset))
        {
            return false;
        }
        stack.Commit();
        s->SystemFlags &= ~InterruptTable.ClearedFlags(gate);
        if (wasVirtual8086)
        {
            ReadOnlySpan<int> registers = [Segmentation.Es, Segmentation.Ds, Segmentation.Fs, Segmentation.Gs];
            foreach (int index in registers)
            {
                Segmentation.Set(Segmentation.Register(s, index), 0, 0, 0, 0);
            }
        }
        return true;
    }

    static bool TryPushSegments(CpuState* s, ref TransferStack stack, int size) =>
        stack.TryPush(s->Gs.Selector, size) && stack.TryPush(s->Fs.Selector, size) && stack.TryPush(s->Ds.Selector, size) && stack.TryPush(s->Es.Selector, size);

    static bool TryPushFrame(CpuState* s, in EventFrame frame, ref TransferStack stack, int size) =>
        stack.TryPush(frame.Flags, size) && stack.TryPush(s->Cs.Selector, size) && stack.TryPush(frame.ReturnRip, size)
        && (frame.ErrorCode is not { } errorCode || stack.TryPush(errorCode, size));
}
