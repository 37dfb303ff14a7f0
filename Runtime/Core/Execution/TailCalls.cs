using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>
/// Finds out whether this runtime turns calls in tail position into jumps. C# does not promise it: where it does not happen, each op of a
/// chain costs stack, so chains have to be short.
/// </summary>
static unsafe class TailCalls
{
    /// <summary>Instructions that a chain may run without tail calls; a frame of a handler is far below 1 KiB.</summary>
    const int ShallowQuantum = 256;

    const int ProbeDepth = 64;

    /// <summary>The most instructions that one chain of handlers may be charged with.</summary>
    public static readonly long Quantum = AreJumps() ? long.MaxValue : ShallowQuantum;

    /// <summary>True when a chain of calls in tail position leaves the stack where it was.</summary>
    static bool AreJumps()
    {
        Op op = new() { Handler = &Probe };
        CpuState* none = null;
        long depth = Start(none, &op);
        return depth < ProbeDepth * 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    static long Start(CpuState* s, Op* op)
    {
        op->Rip = StackAddress();
        return op->Handler(s, op, ProbeDepth);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static long Probe(CpuState* s, Op* op, long fuel)
    {
        if (fuel == 0)
        {
            return (long)(op->Rip - StackAddress());
        }
        return op->Handler(s, op, fuel - 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong StackAddress()
    {
        byte here;
        return (ulong)&here;
    }
}
