using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
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
    public static readonly long Quantum = AreJumps() && HasVectors ? long.MaxValue : ShallowQuantum;

    /// <summary>
    /// What the host has no vector instructions for, .NET computes with addresses of locals, and the handlers of such instructions call the next one. Of 29 418 handlers these are 12 497 on
    /// x64 without any, 2 796 without AVX2, none on Arm64.
    /// </summary>
    static bool HasVectors => Vector256.IsHardwareAccelerated || AdvSimd.Arm64.IsSupported;

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
