using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>What is recorded in front of a block.</summary>
enum Front : byte
{
    Nothing,
    Edges,
    EdgesAndBlocks,
}

/// <summary>What a handler does in front of its first instruction, as a type argument.</summary>
interface IFront
{
    /// <summary>It begins at an op that records coverage.</summary>
    static abstract bool Records { get; }

    /// <summary>The block is marked as run.</summary>
    static abstract bool MarksBlock { get; }
}

readonly struct NoFront : IFront
{
    public static bool Records
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }

    public static bool MarksBlock
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }
}

readonly struct EdgeFront : IFront
{
    public static bool Records
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }

    public static bool MarksBlock
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }
}

readonly struct BlockFront : IFront
{
    public static bool Records
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }

    public static bool MarksBlock
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }
}

/// <summary>How an edge between blocks is recorded (<see cref="CoverageMap"/>).</summary>
static unsafe class CoverageEdge
{
    /// <summary>The counter of the edge from the block before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Index(CpuState* s, Op* op) => op->Imm ^ s->CoveragePrevious;

    /// <summary>Counts the edge and marks the block as run. False: the counter has been zero or overflows, and nothing is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryCount<TFront>(CpuState* s, Op* op, ulong index) where TFront : struct, IFront
    {
        byte* counters = s->CoverageBytes;
        int count = counters[index] + 1;
        // 1 or 256.
        if ((count & 0xFE) == 0)
        {
            return false;
        }
        counters[index] = (byte)count;
        Enter<TFront>(s, op);
        return true;
    }

    /// <summary>A counter that has been zero, or goes on with 1; then the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long First(CpuState* s, Op* op, long fuel, ulong index)
    {
        if (s->CoverageBytes[index] == 0 && *s->CoverageTouched != 0)
        {
            s->CoverageTouched[(*s->CoverageTouched)--] = (uint)index;
        }
        s->CoverageBytes[index] = 1;
        Enter<BlockFront>(s, op);
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Enter<TFront>(CpuState* s, Op* op) where TFront : struct, IFront
    {
        s->CoveragePrevious = (uint)op->Imm >> 1;
        if (TFront.MarksBlock)
        {
            op->Disp = s->CoverageEpoch;
        }
    }
}
