namespace FastVcpu.Execution;

/// <summary>Memory for decoded ops, in regions; when all that may be taken is full, a region makes room by being emptied.</summary>
sealed unsafe class OpArena : IDisposable
{
    /// <summary>The key value of ops that are not instructions.</summary>
    public const uint StubKey = uint.MaxValue;

    /// <summary>Steps of the sequence of regions that are emptied: a full-period congruential generator (Knuth, MMIX).</summary>
    const ulong Multiplier = 6364136223846793005, Increment = 1442695040888963407;

    readonly List<CodeRegion> regions = [];
    ulong sequence;

    /// <param name="byteLimit">Memory that decoded code may take, in bytes; at least one region.</param>
    public OpArena(long byteLimit) => Limit = byteLimit;

    /// <summary>Memory that decoded code may take, in bytes.</summary>
    public long Limit { get; set; }

    /// <summary>Bytes taken from the host.</summary>
    public long Bytes => (long)regions.Count * CodeRegion.Size;

    /// <summary>The region that is being filled.</summary>
    public CodeRegion? Current { get; private set; }

    /// <summary>Takes another region from the host, unless there is one without code or the limit forbids it.</summary>
    public bool TryGrow()
    {
        if (regions.Count > 0 && (Bytes + CodeRegion.Size > Limit || regions.Exists(region => region.Blocks.Count == 0)))
        {
            return false;
        }
        Current = new CodeRegion(regions.Count);
        regions.Add(Current);
        return true;
    }

    /// <summary>
    /// Chooses the region that is to be emptied and filled next: one that has no code any more, or any. Not the oldest: a loop over a little more code than fits
    /// would then find none of it.
    /// </summary>
    public CodeRegion Reuse()
    {
        Current = regions.Find(region => region.Blocks.Count == 0);
        if (Current == null)
        {
            sequence = sequence * Multiplier + Increment;
            Current = regions[(int)((sequence >> 32) * (ulong)regions.Count >> 32)];
        }
        return Current;
    }

    /// <summary>The region of an op.</summary>
    public CodeRegion RegionOf(Op* op) => regions[CodeRegion.Number(op)];

    /// <summary>Takes all ops back; nothing may point to one any more.</summary>
    public void Clear()
    {
        foreach (CodeRegion region in regions)
        {
            region.Free();
        }
        regions.Clear();
        Current = null;
    }

    public void Dispose()
    {
        Clear();
        GC.SuppressFinalize(this);
    }

    ~OpArena() => Clear();
}
