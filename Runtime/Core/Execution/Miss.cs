using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>
/// Where fast handlers go when an access is not in the TLB, or a result not certain. Nothing of the instruction has been committed, so it simply
/// starts again: in the same handler once the page is cached, otherwise in the careful flavour.
/// </summary>
/// <remarks>
/// Handlers jump here through pointers in the state. Called by name these methods would be inlined, and the calls in them would cost every
/// handler a stack frame; marked NoInlining, they would not jump on to the next handler themselves.
/// </remarks>
static unsafe class Miss
{
    public static void Install(CpuState* s)
    {
        s->ReadMiss = &Read;
        s->WriteMiss = &Write;
        s->ComputeMiss = &Compute;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static long Read(CpuState* s, Op* op, long fuel, ulong address)
    {
        delegate*<CpuState*, Op*, long, long> next = SlowPath.TryFillRead(s, address) ? op->Handler : BlockCache.CarefulHandler(s, op);
        return next(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static long Write(CpuState* s, Op* op, long fuel, ulong address)
    {
        delegate*<CpuState*, Op*, long, long> next = SlowPath.TryFillWrite(s, address) ? op->Handler : BlockCache.CarefulHandler(s, op);
        return next(s, op, fuel);
    }

    /// <summary>The fast way of computing is not certain to give the right result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static long Compute(CpuState* s, Op* op, long fuel)
    {
        return BlockCache.CarefulHandler(s, op)(s, op, fuel);
    }
}
