using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.Privileged.Delivery;
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

    /// <summary>INT n: through the vector table; for the embedder in user mode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Interrupt(CpuState* s, Op* op, long fuel)
    {
        int vector = (int)op->Imm;
        if (s->UserMode == 0)
        {
            return Deliver(s, op, fuel, vector, EventKind.SoftwareInterrupt);
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
        return Deliver(s, op, fuel, FaultCode.Breakpoint, EventKind.SoftwareException);
    }

    /// <summary>INT1: a debug exception, with which those that MOV SS has held back are delivered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Debug(CpuState* s, Op* op, long fuel)
    {
        TakeHeldTraps(s);
        return Deliver(s, op, fuel, FaultCode.Debug, EventKind.PrivilegedSoftwareException);
    }

    /// <summary>INTO.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Overflow(CpuState* s, Op* op, long fuel)
    {
        if (!s->Flags.OF)
        {
            return Leave.Next(s, op, fuel);
        }
        return Deliver(s, op, fuel, FaultCode.Overflow, EventKind.SoftwareException);
    }

    /// <summary>SYSCALL. In user mode RCX and R11 are as the instruction defines them, the rest is the embedder's, and only 64-bit code has it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemCall(CpuState* s, Op* op, long fuel)
    {
        if (s->UserMode == 0)
        {
            return Finish(s, op, fuel, SystemCalls.TrySyscall(s, Next(s, op)));
        }
        if ((s->Mode & CpuMode.CodeSizeMask) != CpuMode.Code64)
        {
            Raise.InvalidOpcode(s);
            return Leave.Fault(s, op, fuel);
        }
        s->Rcx = op->NextRip;
        Access.Set(s, CpuState.GprOffset + 11 * 8, s->SystemFlags | s->Flags.ToEflags());
        s->Fault = FaultCode.SystemCall;
        return Leave.Next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemReturn32(CpuState* s, Op* op, long fuel) => Finish(s, op, fuel, SystemCalls.TrySysret(s, is64: false));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemReturn64(CpuState* s, Op* op, long fuel) => Finish(s, op, fuel, SystemCalls.TrySysret(s, is64: true));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemEnter(CpuState* s, Op* op, long fuel)
    {
        if (s->UserMode == 0)
        {
            return Finish(s, op, fuel, SystemCalls.TrySysenter(s));
        }
        s->Fault = FaultCode.SystemEnter;
        return Leave.Next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemExit32(CpuState* s, Op* op, long fuel) => Finish(s, op, fuel, SystemCalls.TrySysexit(s, is64: false));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SystemExit64(CpuState* s, Op* op, long fuel) => Finish(s, op, fuel, SystemCalls.TrySysexit(s, is64: true));

    public static void SwapGs(CpuState* s) => SystemCalls.SwapGs(s);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Halt(CpuState* s, Op* op, long fuel)
    {
        s->Fault = FaultCode.Halt;
        return Leave.Next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void TakeHeldTraps(CpuState* s)
    {
        if (s->PendingDebug != 0 && s->UserMode == 0)
        {
            Vcpu.Of(s).ApplyPayload(FaultCode.Debug, s->PendingDebug);
            s->PendingDebug = 0;
        }
    }

    /// <summary>A trap: in user mode the instruction has retired, RIP is behind it.</summary>
    static long Deliver(CpuState* s, Op* op, long fuel, int vector, EventKind kind)
    {
        if (s->UserMode == 0)
        {
            return Finish(s, op, fuel, EventDelivery.TrySoftware(s, vector, kind, Next(s, op)));
        }
        Raise.Exception(s, vector, 0);
        return Leave.Next(s, op, fuel);
    }

    static ulong Next(CpuState* s, Op* op) => InstructionPointer.Truncate(s, op->NextRip);

    /// <summary>The transfer has set RIP, or nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static long Finish(CpuState* s, Op* op, long fuel, bool done) => done ? Leave.Indirect(s, s->Rip, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool IsInBounds<T, TAddress>(CpuState* s, Op* op) where T : unmanaged where TAddress : struct, IAddress
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        // Two operands, each with its own alignment.
        byte* p = ImageAccess.TryAddressInParts<TAddress>(s, op, 2 * size, size, AccessKind.Read, out ulong address) ? SlowPath.Read(s, op, address, size) : null;
        T lower = p == null ? default : Unsafe.ReadUnaligned<T>(p);
        p = p == null ? null : SlowPath.Read(s, op, address + size, size);
        if (p == null)
        {
            return false;
        }
        long index = (long)Bits.Sign(Access.Get<T>(s, op->R1));
        if (index < (long)Bits.Sign(lower) || index > (long)Bits.Sign(Unsafe.ReadUnaligned<T>(p)))
        {
            Raise.BoundRange(s);
            return false;
        }
        return true;
    }
}
