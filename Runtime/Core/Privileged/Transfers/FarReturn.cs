using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>RET to another segment (SDM Vol. 2, RET), and what IRET shares with it.</summary>
static unsafe class FarReturn
{
    /// <summary>False: a fault is recorded and nothing has changed.</summary>
    /// <param name="s">The state.</param>
    /// <param name="size">Bytes of a stack slot.</param>
    /// <param name="release">Bytes of parameters to take from the stack.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryReturn(CpuState* s, int size, ulong release)
    {
        TransferStack stack = TransferStack.Current(s);
        if (!stack.TryPop(size, out ulong offset) || !stack.TryPopSelector(size, out ushort selector))
        {
            return false;
        }
        if (!ProtectionMode.IsProtected(s))
        {
            if (!FarJump.TryCheckRealTarget(s, offset))
            {
                return false;
            }
            stack.Skip(release);
            stack.Commit();
            FarJump.EnterReal(s, selector, offset);
            return true;
        }
        if (!TryReadTarget(s, selector, out Descriptor code))
        {
            return false;
        }
        stack.Skip(release);
        int cpl = selector & 3;
        if (cpl > s->Cpl)
        {
            return TryPopStack(s, ref stack, code, cpl, size, out TransferStack outer)
                && TryEnter(s, selector, code, offset, AfterRelease(outer, release));
        }
        return TryEnter(s, selector, code, offset, stack);
    }

    /// <summary>Checks the code segment that is returned to: of the level that the RPL names, which is not more privileged.</summary>
    public static bool TryReadTarget(CpuState* s, ushort selector, out Descriptor code)
    {
        code = default;
        if (DescriptorTable.IsNull(selector))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        int rpl = selector & 3;
        return DescriptorTable.TryRead(s, selector, FaultCode.GeneralProtection, out code)
            && CodeSegment.TryCheckCode(s, selector, code, rpl >= s->Cpl && (code.IsConforming ? code.Dpl <= rpl : code.Dpl == rpl));
    }

    /// <summary>Pops stack pointer and stack segment of the level that is returned to, and checks them.</summary>
    public static bool TryPopStack(CpuState* s, ref TransferStack stack, in Descriptor code, int cpl, int size, out TransferStack outer)
    {
        outer = default;
        bool is64 = CodeSegment.Is64(s, code);
        if (!stack.TryPop(size, out ulong pointer) || !stack.TryPopSelector(size, out ushort selector)
            || !StackSegment.TryRead(s, selector, cpl, is64, FaultCode.GeneralProtection, out SegmentCache segment))
        {
            return false;
        }
        outer = TransferStack.Switched(s, segment, pointer, cpl, is64, 0);
        return true;
    }

    /// <summary>Commits a return: CS, the stack, and the loss of segments that less privilege may not use.</summary>
    public static bool TryEnter(CpuState* s, ushort selector, in Descriptor code, ulong offset, in TransferStack stack)
    {
        int previous = s->Cpl, cpl = selector & 3;
        if (!CodeSegment.TryCheckTarget(s, code, offset) || !CodeSegment.TryLoad(s, selector, code, cpl, offset))
        {
            return false;
        }
        stack.Commit();
        if (cpl > previous)
        {
            DataSegment.DropPrivileged(s, cpl);
        }
        return true;
    }

    static TransferStack AfterRelease(TransferStack stack, ulong release)
    {
        stack.Skip(release);
        return stack;
    }
}
