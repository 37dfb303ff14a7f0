using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FastVcpu.Memory;

/// <summary>Going back to earlier contents. No CPU runs meanwhile.</summary>
sealed unsafe partial class LinearMap
{
    /// <summary>
    /// Copies of pages after which the write TLBs are guarded and it is asked anew which pages are written: those few that each run writes make misses seldom, and those that one has written once
    /// are not copied for long.
    /// </summary>
    const int MostCopies = 512;

    /// <summary>The snapshot that was taken or restored last.</summary>
    Origin? origin;

    /// <summary>Pages that have been copied since the write TLBs were guarded.</summary>
    int copies;

    /// <summary>A snapshot, and the regions that showed it, with their blocks; they are kept for the way back.</summary>
    sealed record Origin(LinearSnapshot Snapshot, LinearRegion[] Regions, MemoryBlock[] Blocks);

    /// <summary>Freezes regions and contents.</summary>
    public LinearSnapshot TakeSnapshot()
    {
        LinearSnapshot snapshot;
        lock (Domain.MapLock)
        {
            Dictionary<MemoryBlock, MemoryImage> images = [];
            foreach (MemoryBlock block in Blocks(regions))
            {
                if (block.Image == null || block.Changes is not { IsEmpty: true })
                {
                    MemoryImage image = new(block);
                    block.StartChanges(image);
                    image.Release();
                }
                images.Add(block, block.Image!);
            }
            snapshot = new LinearSnapshot([.. regions.Select(region => new SnapshotRegion(
                region.Start, region.Size, region.Permissions, region.Block == null ? null : images[region.Block], region.Offset))]);
            SetBase(snapshot);
        }
        Domain.FlushWriteTlbs();
        return snapshot;
    }

    /// <summary>
    /// Makes regions and contents what they were. Only pages that have changed are copied if this is the snapshot taken or restored last. Pages stay suspects after that: they
    /// are copied again the next time and may stay in the write TLBs, so that whoever goes back again and again finds them filled.
    /// </summary>
    public void Restore(LinearSnapshot snapshot)
    {
        List<LinearRegion>? removed = null;
        bool asksAnew = true;
        lock (Domain.MapLock)
        {
            if (origin is { } last && last.Snapshot == snapshot)
            {
                if (regions != last.Regions)
                {
                    removed = ShowAgain(last);
                }
                foreach (MemoryBlock block in last.Blocks)
                {
                    copies += block.Image!.CopyTo(block, Domain);
                }
                asksAnew = copies > MostCopies || removed != null;
                if (asksAnew)
                {
                    foreach (MemoryBlock block in last.Blocks)
                    {
                        block.Changes?.Clear();
                    }
                }
            }
            else
            {
                removed = ShowAnew(snapshot);
            }
            copies = asksAnew ? 0 : copies;
        }
        if (removed != null)
        {
            Retire(removed);
            Interlocked.Exchange(ref allocated, regions.Sum(region => region.Block is { IsOfEmbedder: false } ? (long)region.Size : 0));
        }
        if (asksAnew)
        {
            Domain.FlushWriteTlbs();
        }
    }

    /// <summary>
    /// Adds regions and contents to a hash: neighbours of equal permissions as one region, and pages of zeros, or that nobody has touched, not at all, so that only what the guest can find out counts.
    /// </summary>
    public void AppendTo(IncrementalHash hash)
    {
        LinearRegion[] all = regions;
        Span<byte> number = stackalloc byte[2 * sizeof(ulong)];
        for (int i = 0; i < all.Length; i++)
        {
            LinearRegion region = all[i];
            if (i == 0 || all[i - 1].End != region.Start || all[i - 1].Permissions != region.Permissions)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(number, region.Start | (uint)region.Permissions);
                BinaryPrimitives.WriteUInt64LittleEndian(number[sizeof(ulong)..], i == 0 ? 0 : all[i - 1].End);
                hash.AppendData(number);
            }
            for (ulong page = 0; region.Block is { } block && page < region.Size; page += MemoryBlock.PageSize)
            {
                ReadOnlySpan<byte> bytes = new(block.Pointer + region.Offset + page, (int)MemoryBlock.PageSize);
                if (bytes.ContainsAnyExcept((byte)0))
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(number, region.Start + page);
                    hash.AppendData(number[..sizeof(ulong)]);
                    hash.AppendData(bytes);
                }
            }
        }
        BinaryPrimitives.WriteUInt64LittleEndian(number, all.Length == 0 ? 0 : all[^1].End);
        hash.AppendData(number[..sizeof(ulong)]);
    }

    /// <summary>The blocks of regions, each once.</summary>
    static HashSet<MemoryBlock> Blocks(LinearRegion[] all) => [.. all.Select(region => region.Block).OfType<MemoryBlock>()];

    /// <summary>Puts the regions of the snapshot that was the last one back. Those that go.</summary>
    List<LinearRegion> ShowAgain(Origin last)
    {
        HashSet<LinearRegion> kept = [.. last.Regions];
        List<LinearRegion> removed = [.. regions.Where(region => !kept.Remove(region))];
        AddReferences(kept);
        regions = last.Regions;
        return removed;
    }

    /// <summary>Makes views of another snapshot. The regions that go.</summary>
    List<LinearRegion> ShowAnew(LinearSnapshot snapshot)
    {
        List<LinearRegion> removed = [.. regions];
        Dictionary<MemoryImage, MemoryBlock> views = [];
        regions = [.. snapshot.Regions.Select(region => Show(region, views))];
        foreach (MemoryBlock view in views.Values)
        {
            view.Release();
        }
        SetBase(snapshot);
        return removed;
    }

    LinearRegion Show(SnapshotRegion region, Dictionary<MemoryImage, MemoryBlock> views)
    {
        MemoryBlock? view = null;
        if (region.Image != null)
        {
            if (!views.TryGetValue(region.Image, out view))
            {
                views.Add(region.Image, view = new MemoryBlock(region.Image));
            }
            view.AddReference();
        }
        return new LinearRegion(region.Start, region.Size, region.Permissions, view, region.Offset);
    }

    void SetBase(LinearSnapshot snapshot)
    {
        LinearRegion[] all = regions;
        AddReferences(all);
        ForgetBase();
        origin = new Origin(snapshot, all, [.. Blocks(all)]);
    }

    void ForgetBase()
    {
        foreach (LinearRegion region in origin?.Regions ?? [])
        {
            region.Block?.Release();
        }
        origin = null;
    }

    static void AddReferences(IEnumerable<LinearRegion> all)
    {
        foreach (LinearRegion region in all)
        {
            region.Block?.AddReference();
        }
    }
}

/// <summary>A region as it was. Without an image nobody had touched it.</summary>
readonly record struct SnapshotRegion(ulong Start, ulong Size, PagePermissions Permissions, MemoryImage? Image, ulong Offset)
{
    public ulong End => Start + Size;
}

/// <summary>What an address space was at some time.</summary>
sealed class LinearSnapshot : IDisposable
{
    public LinearSnapshot(SnapshotRegion[] regions)
    {
        Regions = regions;
        foreach (SnapshotRegion region in regions)
        {
            region.Image?.AddReference();
        }
    }

    public SnapshotRegion[] Regions { get; }

    /// <summary>Bytes of the regions that somebody has touched.</summary>
    public ulong MemorySize => Regions.Aggregate(0UL, (sum, region) => sum + (region.Image == null ? 0 : region.Size));

    public void Dispose()
    {
        foreach (SnapshotRegion region in Regions)
        {
            region.Image?.Release();
        }
    }
}
