using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>
/// Where fast handlers go when an access is not in the TLB. Nothing of the instruction has been committed, so it simply starts again: in the
/// same handler once the page is cached, otherwise in the careful flavour. As tail calls these cost the fast path no stack frame.
/// </summary>
static unsafe class Miss
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static long Read<T>(CpuState* s, Op* op, long fuel, ulong address) where T : unmanaged
    {
        if (SlowPath.TryFillRead(s, address, (uint)Unsafe.SizeOf<T>()))
        {
            return op->Handler(s, op, fuel);
        }
        delegate*<CpuState*, Op*, long, long> careful = BlockCache.CarefulHandler(op);
        return careful(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static long Write<T>(CpuState* s, Op* op, long fuel, ulong address) where T : unmanaged
    {
        if (SlowPath.TryFillWrite(s, address, (uint)Unsafe.SizeOf<T>()))
        {
            return op->Handler(s, op, fuel);
        }
        delegate*<CpuState*, Op*, long, long> careful = BlockCache.CarefulHandler(op);
        return careful(s, op, fuel);
    }
}
