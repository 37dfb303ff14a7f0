using System.Numerics;
using System.Runtime.InteropServices;
using FastVcpu.Execution;

namespace FastVcpu;

/// <summary>
/// Which code a vCPU has run (<see cref="Vcpu.Coverage"/>): a counter for each edge between blocks, as afl-fuzz has it, and the blocks themselves. The same run gives
/// the same map on every host.
/// </summary>
/// <remarks>One vCPU has a map, or several that take turns, with one <see cref="InstructionClock"/>. It is fed where blocks are entered; without one, no code for it exists in them.</remarks>
public sealed unsafe class CoverageMap : IDisposable
{
    /// <summary>When more than one counter of so many is not zero, clearing all is faster.</summary>
    const int SparseShare = 128;

    const int SmallestSize = 1 << 9, LargestSize = 1 << 24;
    const ulong GoldenRatio = 0x9E3779B97F4A7C15;

    readonly byte* edges;
    readonly uint* touched;
    readonly bool isOwn;
    readonly HashSet<ulong> dropped = [];
    bool isDisposed;

    /// <summary>Creates an empty map.</summary>
    /// <param name="size">Counters: a power of two, 512 to 16 Mi.</param>
    public CoverageMap(int size = 1 << 16)
        : this(0, size)
    {
        edges = (byte*)NativeMemory.AllocZeroed((nuint)size);
        NativeMemory.Free(touched);
        touched = (uint*)NativeMemory.Alloc(((nuint)size + 1) * sizeof(uint));
        *touched = (uint)size;
        isOwn = true;
    }

    /// <summary>Creates a map in memory of the caller's, for instance shared with another process. It is used as it is.</summary>
    /// <param name="memory">The first byte.</param>
    /// <param name="size">Counters: a power of two, 512 to 16 Mi.</param>
    public CoverageMap(nint memory, int size)
    {
        if (!BitOperations.IsPow2(size) || size is < SmallestSize or > LargestSize)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"The size is a power of two from {SmallestSize} to {LargestSize}.");
        }
        edges = (byte*)memory;
        // Others may clear it: no list of what is not zero would hold.
        touched = (uint*)NativeMemory.AllocZeroed(sizeof(uint));
        Size = size;
    }

    /// <summary>Number of counters.</summary>
    public int Size { get; }

    /// <summary>The counters of the edges. One that overflows goes on with 1, so that an edge that was taken is never zero.</summary>
    public ReadOnlySpan<byte> Edges
    {
        get
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return new ReadOnlySpan<byte>(edges, Size);
        }
    }

    /// <summary>
    /// <see cref="Blocks"/> are recorded, too; otherwise only edges, which is what fuzzers look at and costs a little less.
    /// </summary>
    public bool RecordsBlocks { get; init; } = true;

    /// <summary>First addresses of the blocks that have been run since <see cref="Clear"/>, in ascending order.</summary>
    /// <exception cref="InvalidOperationException">They are not recorded.</exception>
    public IReadOnlyList<ulong> Blocks => RecordsBlocks
        ? [.. dropped.Union(Cpus.SelectMany(cpu => cpu.CoveredBlocks(Epoch))).Order()]
        : throw new InvalidOperationException("This coverage map records edges only.");

    /// <summary>What is recorded in front of a block.</summary>
    internal Front Front => RecordsBlocks ? Front.EdgesAndBlocks : Front.Edges;

    internal byte* Memory => edges;

    /// <summary>The counters that are not zero: first the room that is left in the list, then their numbers from the end backwards.</summary>
    internal uint* Touched => touched;

    /// <summary>The vCPUs that have the map.</summary>
    internal List<Vcpu> Cpus { get; } = [];

    /// <summary>Marks what has been run since the map was cleared.</summary>
    internal uint Epoch { get; private set; } = 1;

    /// <summary>Forgets all, and begins a path. In own memory that costs as much as there are counters that are not zero.</summary>
    public void Clear()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        ClearEdges();
        dropped.Clear();
        Epoch++;
        BeginPath();
    }

    /// <summary>The next block is not entered from one that has been run before.</summary>
    public void BeginPath()
    {
        foreach (Vcpu cpu in Cpus)
        {
            cpu.BeginPath(this);
        }
    }

    /// <summary>Takes the map from its vCPUs and returns its own memory.</summary>
    public void Dispose()
    {
        if (isDisposed)
        {
            return;
        }
        while (Cpus is [.., Vcpu cpu])
        {
            cpu.Coverage = null;
        }
        isDisposed = true;
        NativeMemory.Free(touched);
        if (isOwn)
        {
            NativeMemory.Free(edges);
        }
    }

    /// <summary>Where a block's edges begin in the map.</summary>
    internal ulong Location(ulong rip) => rip * GoldenRatio >> (64 - BitOperations.Log2((uint)Size));

    void ClearEdges()
    {
        uint room = *touched, size = (uint)Size;
        if (!isOwn || size - room > size / SparseShare)
        {
            new Span<byte>(edges, Size).Clear();
        }
        else
        {
            for (uint i = room + 1; i <= size; i++)
            {
                edges[touched[i]] = 0;
            }
        }
        *touched = isOwn ? size : 0;
    }

    /// <summary>A block goes that has been run.</summary>
    internal void NoteDropped(ulong rip) => dropped.Add(rip);
}
