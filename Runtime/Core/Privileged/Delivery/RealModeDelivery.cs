using FastVcpu.Faults;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>Events in real mode: through the table of far pointers (SDM Vol. 3 20.1.4).</summary>
static unsafe class RealModeDelivery
{
    const uint EntrySize = 4;
    const int Word = 2;

    public static bool TryDeliver(CpuState* s, in EventFrame frame)
    {
        uint offset = (uint)frame.Vector * EntrySize;
        if (offset + EntrySize - 1 > s->IdtLimit)
        {
            Raise.GeneralProtection(s, frame.VectorError);
            return false;
        }
        TransferStack stack = TransferStack.Current(s);
        if (!stack.TryPush(frame.Flags, Word) || !stack.TryPush(s->Cs.Selector, Word) || !stack.TryPush(frame.ReturnRip, Word)
            || !ImplicitAccess.TryRead(s, ImplicitAccess.Wrap(s, s->IdtBase + offset), out uint target)
            || !FarJump.TryCheckRealTarget(s, (ushort)target))
        {
            return false;
        }
        stack.Commit();
        FarJump.EnterReal(s, (ushort)(target >> 16), (ushort)target);
        s->SystemFlags &= ~(SystemFlagBits.Interrupt | SystemFlagBits.Trap | SystemFlagBits.AlignmentCheck | SystemFlagBits.Resume);
        return true;
    }
}
