using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>The ways out of the chain of handlers, back to the dispatcher. Each leaves RIP and fuel exact.</summary>
static unsafe class Leave
{
    /// <summary>The instruction did not complete (its fault is recorded): nothing of it has retired.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Fault(CpuState* s, Op* op, long fuel)
    {
        s->Rip = op->Rip;
        return fuel + op->Remaining;
    }

    /// <summary>A vector operand that has to be aligned and is not: #GP(0), also where alignment is checked or the stack segment ends (measured).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Misaligned(CpuState* s, Op* op, long fuel)
    {
        s->Fault = FaultCode.None;
        Raise.GeneralProtection(s, 0);
        return Fault(s, op, fuel);
    }

    /// <summary>A taken branch whose target is no place for code, and which would have changed a register.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Outside(CpuState* s, Op* op, long fuel)
    {
        Raise.GeneralProtection(s, 0);
        return Fault(s, op, fuel);
    }

    /// <summary>A block end found fuel gone or an event pending; <paramref name="next"/> has been charged but not entered.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Branch(CpuState* s, Op* next, long fuel)
    {
        s->Rip = next->Rip;
        return fuel + next->Remaining;
    }

    /// <summary>A block end whose target is not known here.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Indirect(CpuState* s, ulong target, long fuel)
    {
        s->Rip = target;
        return fuel;
    }

    /// <summary>The block ends behind <paramref name="op"/>, which has retired.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Next(CpuState* s, Op* op, long fuel)
    {
        s->Rip = InstructionPointer.Truncate(s, op->NextRip);
        return fuel + op->Remaining - 1;
    }

    /// <summary>A part of the instruction is done and counts as a step; the rest is done when it starts again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Again(CpuState* s, Op* op, long fuel)
    {
        s->Rip = op->Rip;
        return fuel + op->Remaining - 1;
    }

    /// <summary>An x87 exception is pending and this instruction reports it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long FloatingPoint(CpuState* s, Op* op, long fuel)
    {
        Raise.Exception(s, FaultCode.FloatingPoint, 0);
        return Fault(s, op, fuel);
    }
}
