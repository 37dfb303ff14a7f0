using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions that leave the program: interrupts, system calls, HLT, and those that are undefined by definition.</summary>
static unsafe class Trap
{
    /// <summary>UD0, UD1, UD2.</summary>
    public static void Undefined(CpuState* s) => Raise.InvalidOpcode(s);

    /// <summary>BOUND: #BR when the index is outside the pair of bounds in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Bound<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!IsInBounds<T, TAddress>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>INT n: through the vector table in real mode; for the embedder in user mode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Interrupt(CpuState* s, Op* op, long fuel)
    {
        int vector = (int)op->Imm;
        if (IsReal(s))
        {
            return Vector(s, op, fuel, vector);
        }
        s->Fault = FaultCode.SoftwareInterrupt;
        s->FaultErrorCode = (uint)vector;
        return Leave.Next(s, op, fuel);
    }

    /// <summary>INT3: the debugger's, which sees RIP at it, or the guest's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Breakpoint(CpuState* s, Op* op, long fuel)
    {
        if (s->TakesBreakpoints != 0)
        {
            s->Fault = FaultCode.SoftwareBreakpoint;
            return Leave.Fault(s, op, fuel);
        }
        return Exception(s, op, fuel, FaultCode.Breakpoint);
    }

    /// <summary>INT1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Debug(CpuState* s, Op* op, long fuel) => Exception(s, op, fuel, FaultCode.Debug);

    /// <summary>INTO.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Overflow(CpuState* s, Op* op, long fuel)
    {
        if (!s->Flags.OF)
        {
            return Leave.Next(s, op, fuel);
        }
        return Exception(s, op, fuel, FaultCode.Overflow);
    }

    /// <summary>SYSCALL in 64-bit mode: RCX and R11 as the instruction defines them, the rest is the embedder's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemCall(CpuState* s, Op* op, long fuel)
    {
        s->Rcx = op->NextRip;
        Access.Set(s, CpuState.GprOffset + 11 * 8, s->SystemFlags | s->Flags.ToEflags());
        s->Fault = FaultCode.SystemCall;
        return Leave.Next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemEnter(CpuState* s, Op* op, long fuel)
    {
        s->Fault = FaultCode.SystemEnter;
        return Leave.Next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Halt(CpuState* s, Op* op, long fuel)
    {
        s->Fault = FaultCode.Halt;
        return Leave.Next(s, op, fuel);
    }

    static bool IsReal(CpuState* s) => (s->Mode & CpuMode.Protected) == 0;

    /// <summary>A trap: the instruction has retired, RIP is behind it.</summary>
    static long Exception(CpuState* s, Op* op, long fuel, int vector)
    {
        if (IsReal(s))
        {
            return Vector(s, op, fuel, vector);
        }
        Raise.Exception(s, vector, 0);
        return Leave.Next(s, op, fuel);
    }

    static long Vector(CpuState* s, Op* op, long fuel, int vector)
    {
        if (!RealMode.Interrupt(s, vector, op->NextRip))
        {
            return Leave.Fault(s, op, fuel);
        }
        return Leave.Indirect(s, s->Rip, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool IsInBounds<T, TAddress>(CpuState* s, Op* op) where T : unmanaged where TAddress : struct, IAddress
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, 2 * size, 0), 2 * size);
        if (p == null)
        {
            return false;
        }
        long index = (long)Bits.Sign(Access.Get<T>(s, op->R1));
        if (index < (long)Bits.Sign(Unsafe.ReadUnaligned<T>(p)) || index > (long)Bits.Sign(Unsafe.ReadUnaligned<T>(p + size)))
        {
            Raise.BoundRange(s);
            return false;
        }
        return true;
    }
}
