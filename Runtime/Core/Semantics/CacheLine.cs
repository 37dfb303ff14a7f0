using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>CLZERO: zeros for the 64 bytes of the cache line that rAX points into.</summary>
static unsafe class CacheLine
{
    const uint Size = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Clear<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryClear<TAddress>(s, op)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryClear<TAddress>(CpuState* s, Op* op) where TAddress : struct, IAddress
    {
        byte* zeros = stackalloc byte[(int)Size];
        Unsafe.InitBlockUnaligned(zeros, 0, Size);
        ulong address = TAddress.LinearForWrite(s, op, 1, 0);
        return ImageAccess.TryWrite(s, op, address & ~(ulong)(Size - 1), zeros, Size);
    }
}
