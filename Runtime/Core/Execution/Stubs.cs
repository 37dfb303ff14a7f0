using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Ops that are not guest instructions: the seams between blocks, and what stands in for bytes that do not decode.</summary>
/// <remarks>
/// Two stubs follow the last instruction of each block; <see cref="Op.Length"/> of a stub is its distance from that instruction. The first
/// stands for the taken target (or for the following block of a block that ends without a branch), the second for the address behind.
/// </remarks>
static unsafe class Stubs
{
    /// <summary>A target that is not linked: the dispatcher finds it and links it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Unlinked(CpuState* s, Op* op, long fuel)
    {
        s->LinkSource = op;
        s->Rip = op->Rip;
        return fuel;
    }

    /// <summary>A linked stub that is reached as an op: goes on with the following block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Goto(CpuState* s, Op* op, long fuel)
    {
        Op* next = op->Taken;
        fuel -= next->Remaining;
        if (fuel < 0 || s->Pending != 0)
        {
            return Leave.Branch(s, next, fuel);
        }
        return next->Handler(s, next, fuel);
    }

    /// <summary>The target of a conditional branch that is no place for code: the branch faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Outside(CpuState* s, Op* op, long fuel)
    {
        Raise.GeneralProtection(s, 0);
        op -= op->Length;
        return Leave.Fault(s, op, fuel);
    }

    /// <summary>A direct call to what is no place for code: it faults, but not before its push (measured). <see cref="Op.Scale"/> has the bytes of that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long CallOutside(CpuState* s, Op* op, long fuel)
    {
        if (TransferStack.Current(s).CanPush(op->Scale))
        {
            Raise.GeneralProtection(s, 0);
        }
        return Leave.Fault(s, op, fuel);
    }

    /// <summary>In front of a block: counts how often it is entered and leaves to the dispatcher when that is worth something.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Count(CpuState* s, Op* op, long fuel)
    {
        if (--op->Imm == 0)
        {
            s->LinkSource = op;
            s->Rip = op->Rip;
            return fuel + op->Remaining;
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>An op, or a stub, of a block whose bytes have changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Stale(CpuState* s, Op* op, long fuel)
    {
        s->Rip = op->Rip;
        return fuel + op->Remaining;
    }

    /// <summary>In front of an instruction that has a code breakpoint or a hook, if the page is where that says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Breakpoint(CpuState* s, Op* op, long fuel)
    {
        s->Fault = FrontOf(s, op);
        if (s->Fault != FaultCode.None)
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>What the first instruction of a block has in front of it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static int FrontOf(CpuState* s, Op* op)
    {
        Vcpu cpu = Vcpu.Of(s);
        ulong linear = CodeFetch.Linear(s, op->Rip);
        return cpu.Debugging.MatchCode(linear) != 0 ? FaultCode.CodeBreakpoint : cpu.IsHooked(linear) ? FaultCode.Hook : FaultCode.None;
    }

    /// <summary>In front of a comparison while those are logged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Compare(CpuState* s, Op* op, long fuel)
    {
        CompareSite.Record(s, op);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>In front of a block while coverage is recorded: counts the edge from the block before, and marks this one as run if that is wanted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Coverage<TFront>(CpuState* s, Op* op, long fuel) where TFront : struct, IFront
    {
        CoverageEdge.Count<TFront>(s, op);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Bytes that are no instruction of this CPU model.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Undefined(CpuState* s, Op* op, long fuel)
    {
        Raise.InvalidOpcode(s);
        return Leave.Fault(s, op, fuel);
    }

    /// <summary>An instruction of a unit that CR0 has switched off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long NotAvailable(CpuState* s, Op* op, long fuel)
    {
        Raise.Exception(s, FaultCode.DeviceNotAvailable, 0);
        return Leave.Fault(s, op, fuel);
    }

    /// <summary>More than 15 bytes, bytes beyond the limit of the code segment, a branch out of the segment, or an instruction above the privilege level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Forbidden(CpuState* s, Op* op, long fuel)
    {
        Raise.GeneralProtection(s, 0);
        return Leave.Fault(s, op, fuel);
    }
}
