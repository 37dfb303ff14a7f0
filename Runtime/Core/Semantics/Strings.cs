using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// String instructions. A repeated one works in runs: elements that lie in one page at either end, done with host pointers, after which the
/// registers are committed and pending requests are looked at. It is left with RIP at the instruction and goes on from there.
/// </summary>
static unsafe class Strings
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Movs<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringShort.Move<T>(s, op) && !StringLoops.Move<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Stos<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringShort.Store<T>(s, op) && !StringLoops.Store<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Lods<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringLoops.Load<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Cmps<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringLoops.Compare<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Scas<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringLoops.Scan<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Ins<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringLoops.Input<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Outs<T>(CpuState* s, Op* op, long fuel) where T : unmanaged
    {
        if (!StringLoops.Output<T>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }
}
