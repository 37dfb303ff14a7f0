using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>Interrupts and exceptions in real mode: through the vector table (SDM Vol. 3 20.1.4).</summary>
static unsafe class RealMode
{
    const int VectorSize = 4;

    /// <summary>
    /// INT n, INT3, INTO and what the dispatcher delivers: pushes FLAGS, CS and the return address, clears IF, TF, AC and RF and goes to the
    /// vector. False: a fault is recorded and nothing has changed.
    /// </summary>
    public static bool Interrupt(CpuState* s, int vector, ulong returnRip)
    {
        if ((uint)(vector * VectorSize + VectorSize - 1) > s->IdtLimit)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        const uint Word = sizeof(ushort);
        // The frame wraps at the end of the segment as pushes do; each word is checked by itself.
        ulong pointer = s->Rsp;
        ushort* words = stackalloc ushort[] { (ushort)(s->SystemFlags | s->Flags.ToEflags()), s->Cs.Selector, (ushort)returnRip };
        ulong* addresses = stackalloc ulong[3];
        byte** targets = stackalloc byte*[3];
        for (int i = 0; i < 3; i++)
        {
            addresses[i] = Segmentation.Stack(s, (ushort)(pointer - (ulong)(i + 1) * Word), Word);
            targets[i] = s->Fault == FaultCode.None ? SlowPath.Locate(s, addresses[i], AccessKind.Write) : null;
            if (s->Fault != FaultCode.None)
            {
                return false;
            }
        }
        byte* entry = SlowPath.Locate(s, s->IdtBase + (ulong)(vector * VectorSize), AccessKind.Read);
        if (s->Fault != FaultCode.None)
        {
            return false;
        }
        uint target = entry == null ? 0 : *(uint*)entry;
        for (int i = 0; i < 3; i++)
        {
            if (targets[i] != null)
            {
                SlowPath.NoteWrite(s, addresses[i], Word);
                *(ushort*)targets[i] = words[i];
            }
        }
        StackSegmented16.SetPointer(s, pointer - 3 * Word);
        s->SystemFlags &= ~(SystemFlagBits.Interrupt | SystemFlagBits.Trap | SystemFlagBits.AlignmentCheck | SystemFlagBits.Resume);
        Segmentation.SetReal(&s->Cs, (ushort)(target >> 16));
        s->Rip = (ushort)target;
        return true;
    }

    /// <summary>Delivers an exception; one that cannot be delivered becomes a double fault, and if that cannot be delivered either, false.</summary>
    public static bool Deliver(CpuState* s, int vector, ulong returnRip)
    {
        if (Interrupt(s, vector, returnRip))
        {
            return true;
        }
        s->Fault = FaultCode.None;
        bool delivered = vector != FaultCode.DoubleFault && Interrupt(s, FaultCode.DoubleFault, returnRip);
        s->Fault = FaultCode.None;
        return delivered;
    }
}
