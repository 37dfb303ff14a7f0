using FastVcpu.Memory;
using FastVcpu.Privileged.Tasks;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>INT n of virtual-8086 mode extensions: redirected to the program's own vector table (SDM Vol. 3 20.3).</summary>
static unsafe class Virtual8086Delivery
{
    const uint IoMapBaseAt = 0x66, RedirectionBytes = 32, EntrySize = 4;
    const int Word = 2;

    /// <summary>The vector's bit of the redirection map, which lies below the I/O map, is clear. False: it is set or not there, or a page fault is recorded.</summary>
    public static bool IsRedirected(CpuState* s, int vector)
    {
        if (IoMapBaseAt + 1 > s->Tr.Limit || !TaskState.TryRead(s, IoMapBaseAt, out ushort map) || map < RedirectionBytes)
        {
            return false;
        }
        uint at = map - RedirectionBytes + (uint)vector / 8;
        return at <= s->Tr.Limit && TaskState.TryRead(s, at, out byte bits) && (bits >> (vector & 7) & 1) == 0;
    }

    /// <summary>As in real mode, from the table at linear address 0; with IOPL below 3, VIF stands for IF.</summary>
    public static bool TryDeliver(CpuState* s, in EventFrame frame)
    {
        bool isVirtual = ProtectionMode.IoPrivilege(s) < 3;
        TransferStack stack = TransferStack.Current(s);
        if (!ImplicitAccess.TryRead(s, (ulong)frame.Vector * EntrySize, out uint target, TlbSet.User)
            || !stack.TryPush(isVirtual ? FlagsImage.ForVirtual8086(s) : frame.Flags, Word)
            || !stack.TryPush(s->Cs.Selector, Word)
            || !stack.TryPush(frame.ReturnRip, Word))
        {
            return false;
        }
        stack.Commit();
        FarJump.EnterReal(s, (ushort)(target >> 16), (ushort)target);
        s->SystemFlags &= ~(SystemFlagBits.Trap | (isVirtual ? SystemFlagBits.VirtualInterrupt : SystemFlagBits.Interrupt));
        return true;
    }
}
