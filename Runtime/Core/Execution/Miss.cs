using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>
/// Where fast handlers go when an access is not in the TLB, or a result not certain. Nothing of the instruction has been committed, so it simply
/// starts again: in the same handler once the page is cached, otherwise in the careful flavour. As tail calls these cost the fast path no stack frame.
/// </summary>
static unsafe class Miss
{
    // Not NoInlining: the runtime makes no jumps of calls in such methods.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Read<T>(CpuState* s, Op* op, long fuel, ulong address) where T : unmanaged
    {
        return AfterRead(s, op, address, (uint)Unsafe.SizeOf<T>())(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Write<T>(CpuState* s, Op* op, long fuel, ulong address) where T : unmanaged
    {
        return AfterWrite(s, op, address, (uint)Unsafe.SizeOf<T>())(s, op, fuel);
    }

    /// <summary>The fast way of computing is not certain to give the right result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Compute(CpuState* s, Op* op, long fuel)
    {
        return BlockCache.CarefulHandler(op)(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static delegate*<CpuState*, Op*, long, long> AfterRead(CpuState* s, Op* op, ulong address, uint size) =>
        SlowPath.TryFillRead(s, address, size) ? op->Handler : BlockCache.CarefulHandler(op);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static delegate*<CpuState*, Op*, long, long> AfterWrite(CpuState* s, Op* op, ulong address, uint size) =>
        SlowPath.TryFillWrite(s, address, size) ? op->Handler : BlockCache.CarefulHandler(op);
}
