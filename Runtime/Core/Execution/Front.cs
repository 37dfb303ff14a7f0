using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>What a fused handler does in front of its first instruction, as a type argument.</summary>
interface IFront
{
    /// <summary>It begins at an op that records coverage.</summary>
    static abstract bool Records { get; }
}

readonly struct NoFront : IFront
{
    public static bool Records
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }
}

readonly struct CoverageFront : IFront
{
    public static bool Records
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }
}

/// <summary>How an edge between blocks is recorded (<see cref="CoverageMap"/>).</summary>
static unsafe class CoverageEdge
{
    /// <summary>Counts the edge from the block before and marks this one as run. False: the counter has been zero or overflows, and nothing is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryCount(CpuState* s, Op* op)
    {
        ulong location = op->Imm;
        byte* edge = s->CoverageBytes + (location ^ s->CoveragePrevious);
        byte count = (byte)(*edge + 1);
        if (count <= 1)
        {
            return false;
        }
        *edge = count;
        s->CoveragePrevious = (uint)location >> 1;
        op->Disp = s->CoverageEpoch;
        return true;
    }

    /// <summary>A counter that has been zero, or goes on with 1; then the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long First(CpuState* s, Op* op, long fuel)
    {
        ulong location = op->Imm, index = location ^ s->CoveragePrevious;
        if (s->CoverageBytes[index] == 0 && *s->CoverageTouched != 0)
        {
            s->CoverageTouched[(*s->CoverageTouched)--] = (uint)index;
        }
        s->CoverageBytes[index] = 1;
        s->CoveragePrevious = (uint)location >> 1;
        op->Disp = s->CoverageEpoch;
        op++;
        return op->Handler(s, op, fuel);
    }
}
