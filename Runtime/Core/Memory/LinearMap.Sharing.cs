using System.Numerics;

namespace FastVcpu.Memory;

/// <summary>Copies that share the pages which neither side writes.</summary>
sealed unsafe partial class LinearMap
{
    /// <summary>Smaller blocks are copied: a shared one costs a file of the host's and two mappings.</summary>
    const ulong SmallestShared = 256 << 10;

    /// <summary>
    /// An independent copy. The first one copies large blocks to an image, which the copy has a view of; the next ones copy the pages that have been written since. CPUs may be running: what
    /// they write meanwhile is in the copy or not.
    /// </summary>
    public LinearMap Clone()
    {
        BeginSharing();
        LinearMap copy = new(memoryLimit);
        lock (Domain.MapLock)
        {
            Dictionary<MemoryBlock, MemoryBlock?> views = [];
            copy.regions = [.. regions.Select(region => region.Block == null ? region : Copy(region, views))];
            copy.allocated = copy.regions.Sum(region => region.Block == null ? 0 : (long)region.Size);
            foreach (MemoryBlock? view in views.Values)
            {
                view?.Release();
            }
        }
        return copy;
    }

    /// <summary>Makes images of the large blocks that have none. The order matters: first every write is recorded, then the contents are copied.</summary>
    void BeginSharing()
    {
        MemoryBlock[] fresh;
        lock (Domain.MapLock)
        {
            fresh = [.. Blocks(regions).Where(block => block is { Image: null, IsOfEmbedder: false, Size: >= SmallestShared })];
            foreach (MemoryBlock block in fresh)
            {
                block.AddReference();
                block.RecordChanges();
            }
        }
        if (fresh.Length == 0)
        {
            return;
        }
        Domain.FlushWriteTlbs();
        lock (Domain.MapLock)
        {
            foreach (MemoryBlock block in fresh)
            {
                if (block.Image == null && TryCreate(() => new MemoryImage(block)) is { } image)
                {
                    block.SetImage(image);
                    image.Release();
                }
                block.Release();
            }
        }
    }

    static LinearRegion Copy(LinearRegion region, Dictionary<MemoryBlock, MemoryBlock?> views)
    {
        if (!views.TryGetValue(region.Block!, out MemoryBlock? view))
        {
            views.Add(region.Block!, view = Share(region.Block!));
        }
        if (view != null)
        {
            view.AddReference();
            return region with { Block = view };
        }
        MemoryBlock block = new(region.Size);
        Buffer.MemoryCopy(region.Block!.Pointer + region.Offset, block.Pointer, block.Size, region.Size);
        return region with { Block = block, Offset = 0 };
    }

    /// <summary>A view of a block's image with the pages that differ from it; null when copying is better.</summary>
    static MemoryBlock? Share(MemoryBlock block)
    {
        if (block is not { Image: { } image, Changes: { } changes } || (ulong)changes.Count * MemoryBlock.PageSize > block.Size / 2
            || TryCreate(() => new MemoryBlock(image)) is not { } view)
        {
            return null;
        }
        for (int i = 0; i < changes.WordCount; i++)
        {
            for (ulong bits = changes.Word(i); bits != 0; bits &= bits - 1)
            {
                ulong page = (ulong)(i * 64 + BitOperations.TrailingZeroCount(bits)) << MemoryBlock.PageShift;
                view.NoteHostWrite(page, MemoryBlock.PageSize);
                Buffer.MemoryCopy(block.Pointer + page, view.Pointer + page, MemoryBlock.PageSize, MemoryBlock.PageSize);
            }
        }
        return view;
    }

    /// <summary>Null when the host has no more files or mappings.</summary>
    static T? TryCreate<T>(Func<T> create)
        where T : class
    {
        try
        {
            return create();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }
}
