using System.Numerics;
using System.Runtime.InteropServices;

namespace FastVcpu;

/// <summary>
/// Which code a vCPU has run (<see cref="Vcpu.Coverage"/>): a counter for each edge between blocks, as afl-fuzz has it, and the blocks themselves. The same run gives
/// the same map on every host.
/// </summary>
/// <remarks>One vCPU at a time has a map. It is fed where blocks are entered; without one, no code for it exists in them.</remarks>
public sealed unsafe class CoverageMap : IDisposable
{
    /// <summary>Counters that are cleared together.</summary>
    internal const int LineSize = 64;

    const int SmallestSize = 1 << 9, LargestSize = 1 << 24;
    const ulong GoldenRatio = 0x9E3779B97F4A7C15;

    readonly byte* edges;
    readonly byte* lines;
    readonly bool isOwn;
    readonly HashSet<ulong> dropped = [];
    bool isDisposed;

    /// <summary>Creates an empty map.</summary>
    /// <param name="size">Counters: a power of two, 512 to 16 Mi.</param>
    public CoverageMap(int size = 1 << 16)
        : this(0, size)
    {
        edges = (byte*)NativeMemory.AllocZeroed((nuint)size);
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
        lines = (byte*)NativeMemory.AllocZeroed((nuint)(size / LineSize));
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

    /// <summary>First addresses of the blocks that have been run since <see cref="Clear"/>, in ascending order.</summary>
    public IReadOnlyList<ulong> Blocks => [.. dropped.Union(Cpu?.CoveredBlocks(Epoch) ?? []).Order()];

    internal byte* Memory => edges;

    internal byte* Lines => lines;

    /// <summary>The vCPU that has the map.</summary>
    internal Vcpu? Cpu { get; set; }

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
    public void BeginPath() => Cpu?.BeginPath(this);

    /// <summary>Takes the map from its vCPU and returns its own memory.</summary>
    public void Dispose()
    {
        if (isDisposed)
        {
            return;
        }
        if (Cpu is { } cpu)
        {
            cpu.Coverage = null;
        }
        isDisposed = true;
        NativeMemory.Free(lines);
        if (isOwn)
        {
            NativeMemory.Free(edges);
        }
    }

    /// <summary>Where a block's edges begin in the map.</summary>
    internal ulong Location(ulong rip) => rip * GoldenRatio >> (64 - BitOperations.Log2((uint)Size));

    void ClearEdges()
    {
        Span<byte> marks = new(lines, Size / LineSize);
        if (!isOwn)
        {
            new Span<byte>(edges, Size).Clear();
            marks.Clear();
            return;
        }
        ulong* groups = (ulong*)lines;
        for (int group = 0; group < marks.Length / sizeof(ulong); group++)
        {
            for (ulong set = groups[group]; set != 0; set &= set - 1)
            {
                // The marks are single bits, the lowest of their bytes.
                new Span<byte>(edges + (group * sizeof(ulong) + BitOperations.TrailingZeroCount(set) / 8) * LineSize, LineSize).Clear();
            }
            groups[group] = 0;
        }
    }

    /// <summary>A block goes that has been run.</summary>
    internal void NoteDropped(ulong rip) => dropped.Add(rip);
}
