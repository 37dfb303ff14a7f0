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
    /// <summary>
    /// Counts the edge from the block before and marks the block as run. What is to be done for the first time stands between the rest: nearly all that a short run has are first times, and
    /// a way around would cost it two more jumps in each block.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Count<TFront>(CpuState* s, Op* op) where TFront : struct, IFront
    {
        byte* counters = s->CoverageBytes;
        ulong index = op->Imm ^ s->CoveragePrevious;
        int count = counters[index] + 1;
        // 1, or 256, which goes on with 1.
        if ((count & 0xFE) == 0)
        {
            uint* touched = s->CoverageTouched;
            uint room = *touched;
            if (count == 1 && room != 0)
            {
                touched[room] = (uint)index;
                *touched = room - 1;
            }
            count = 1;
        }
        counters[index] = (byte)count;
        s->CoveragePrevious = (uint)op->Imm >> 1;
        if (TFront.MarksBlock)
        {
            op->Disp = s->CoverageEpoch;
        }
    }
}
