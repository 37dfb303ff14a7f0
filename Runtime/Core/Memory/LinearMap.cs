using System.Runtime.CompilerServices;

namespace FastVcpu.Memory;

/// <summary>A piece of an address space: a run of pages that show consecutive bytes of one memory block.</summary>
/// <param name="Start">First linear address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Permissions">Rights of the guest.</param>
/// <param name="Block">The memory, or null while nobody has touched it.</param>
/// <param name="Offset">Where in <paramref name="Block"/> it starts.</param>
readonly record struct LinearRegion(ulong Start, ulong Size, PagePermissions Permissions, MemoryBlock? Block, ulong Offset)
{
    public ulong End => Start + Size;

    /// <summary>The part that lies in [<paramref name="start"/>, <paramref name="end"/>), which overlaps this region.</summary>
    public LinearRegion Slice(ulong start, ulong end)
    {
        ulong from = Math.Max(start, Start), to = Math.Min(end, End);
        return this with { Start = from, Size = to - from, Offset = Offset + (from - Start) };
    }
}

/// <summary>The map behind an <see cref="AddressSpace"/>: sorted regions, replaced as a whole at each change, so that readers need no lock.</summary>
sealed unsafe partial class LinearMap : Translator, IDisposable
{
    /// <summary>Larger regions get their memory in pieces of <see cref="ChunkSize"/> when they are touched.</summary>
    const ulong EagerLimit = 4 << 20, ChunkSize = 1 << 20;

    /// <summary>Linux shows a protection fault for all of the kernel's half, whatever is there.</summary>
    const ulong KernelHalf = 1UL << 63;

    readonly ulong memoryLimit;
    volatile LinearRegion[] regions = [];
    long allocated;

    public LinearMap(ulong memoryLimit) => this.memoryLimit = memoryLimit;

    public LinearRegion[] Regions => regions;

    /// <summary>The most bytes of host memory.</summary>
    public ulong MemoryLimit => memoryLimit;

    public void Map(ulong address, ulong size, PagePermissions permissions, MemoryBlock? block)
    {
        List<LinearRegion> removed;
        lock (Domain.MapLock)
        {
            if (block == null && size <= EagerLimit)
            {
                block = Allocate(size) ?? throw new ArgumentException($"{size} bytes are more than the memory limit of {memoryLimit} bytes leaves.", nameof(size));
            }
            removed = Replace(address, address + size, new LinearRegion(address, size, permissions, block, 0));
        }
        Retire(removed);
    }

    public void Unmap(ulong address, ulong size)
    {
        List<LinearRegion> removed;
        lock (Domain.MapLock)
        {
            removed = Replace(address, address + size, null);
        }
        Retire(removed);
    }

    public bool Protect(ulong address, ulong size, PagePermissions permissions)
    {
        List<LinearRegion> noLongerCode = [];
        lock (Domain.MapLock)
        {
            if (!IsMapped(address, size))
            {
                return false;
            }
            List<LinearRegion> result = [];
            foreach (LinearRegion region in regions)
            {
                if (region.End <= address || region.Start >= address + size)
                {
                    result.Add(region);
                    continue;
                }
                LinearRegion middle = region.Slice(address, address + size) with { Permissions = permissions };
                AddIfNotEmpty(result, region, region.Start, middle.Start);
                AddPiece(result, middle);
                AddIfNotEmpty(result, region, middle.End, region.End);
                region.Block?.Release();
                if ((region.Permissions & ~permissions & PagePermissions.Execute) != 0)
                {
                    noLongerCode.Add(middle);
                }
            }
            regions = [.. result];
        }
        DropCode(noLongerCode);
        Domain.FlushTranslations();
        return true;
    }

    public bool IsMapped(ulong address, ulong size)
    {
        LinearRegion[] all = regions;
        ulong end = address + size;
        if (end < address)
        {
            return false;
        }
        for (int i = Find(all, address); address < end; i++)
        {
            if ((uint)i >= (uint)all.Length || all[i].Start > address)
            {
                return false;
            }
            address = all[i].End;
        }
        return true;
    }

    public bool TryAccess(ulong address, PagePermissions needed, out Span<byte> memory)
    {
        memory = default;
        if (!TryFindMemory(address, out LinearRegion region) || (region.Permissions & needed) != needed)
        {
            return false;
        }
        ulong skip = address - region.Start, offset = region.Offset + skip, length = Math.Min(region.Size - skip, int.MaxValue);
        if ((needed & PagePermissions.Write) != 0 && region.Block!.Changes is { } changes)
        {
            // Whoever writes through it is not seen, so the page counts as written; and only this one.
            length = Math.Min(length, MemoryBlock.PageSize - (offset & ~Tlb.PageMask));
            changes.Mark(offset);
        }
        memory = new Span<byte>(region.Block!.Pointer + offset, (int)length);
        return true;
    }

    public override bool TryRead(ulong address, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            if (!TryAccess(address, PagePermissions.None, out Span<byte> guest))
            {
                return false;
            }
            int count = Math.Min(guest.Length, destination.Length);
            guest[..count].CopyTo(destination);
            destination = destination[count..];
            address += (ulong)count;
        }
        return true;
    }

    /// <summary>Writes as a whole or not at all.</summary>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        bool isChecked = false;
        while (source.Length > 0)
        {
            if (!TryFindMemory(address, out LinearRegion region))
            {
                return false;
            }
            ulong skip = address - region.Start, offset = region.Offset + skip;
            int count = (int)Math.Min(region.Size - skip, (ulong)source.Length);
            if (count < source.Length && !isChecked && !IsMapped(address, (ulong)source.Length))
            {
                return false;
            }
            isChecked = true;
            region.Block!.NoteHostWrite(offset, (ulong)count);
            source[..count].CopyTo(new Span<byte>(region.Block.Pointer + offset, count));
            Domain.CodeChanged(region.Block, offset, (ulong)count);
            source = source[count..];
            address += (ulong)count;
        }
        return true;
    }

    public override LinearTranslation LookUp(Vcpu cpu, ulong linear)
    {
        LinearRegion[] all = regions;
        int index = Find(all, linear);
        return index < 0 ? LinearTranslation.None : new LinearTranslation(linear, true, (all[index].Permissions & PagePermissions.Write) != 0, IsUser: true);
    }

    public override Translation Translate(Vcpu cpu, ulong address, AccessKind kind, TlbSet set)
    {
        PagePermissions needed = kind switch
        {
            AccessKind.Write => PagePermissions.Write,
            AccessKind.Execute => PagePermissions.Execute,
            _ => PagePermissions.Read,
        };
        const uint Present = 1, Write = 2, User = 4, Fetch = 16;
        uint error = User | (kind == AccessKind.Write ? Write : kind == AccessKind.Execute ? Fetch : 0) | (address >= KernelHalf ? Present : 0);
        LinearRegion[] all = regions;
        int index = Find(all, address);
        if (index < 0)
        {
            return new Translation { Status = TranslationStatus.PageFault, ErrorCode = error };
        }
        // A writable page can be read, as on hardware.
        PagePermissions granted = all[index].Permissions;
        if ((granted & PagePermissions.Write) != 0)
        {
            granted |= PagePermissions.Read;
        }
        if ((granted & needed) == 0 || !TryFindMemory(address, out LinearRegion region))
        {
            return new Translation { Status = TranslationStatus.PageFault, ErrorCode = error | Present };
        }
        ulong page = address & Tlb.PageMask;
        return new Translation { Block = region.Block, Offset = region.Offset + (page - region.Start), Physical = page };
    }

    public void Dispose()
    {
        ForgetBase();
        Unmap(0, ulong.MaxValue & Tlb.PageMask);
    }

    /// <summary>Index of the region that holds an address, or a negative number.</summary>
    static int Find(LinearRegion[] all, ulong address)
    {
        int low = 0, high = all.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (address < all[middle].Start)
            {
                high = middle - 1;
            }
            else if (address >= all[middle].End)
            {
                low = middle + 1;
            }
            else
            {
                return middle;
            }
        }
        return -1;
    }

    /// <summary>The region of an address, with memory behind it.</summary>
    bool TryFindMemory(ulong address, out LinearRegion region)
    {
        LinearRegion[] all = regions;
        int index = Find(all, address);
        Unsafe.SkipInit(out region);
        if (index < 0)
        {
            return false;
        }
        region = all[index];
        return region.Block != null || TryPopulate(address, out region);
    }

    bool TryPopulate(ulong address, out LinearRegion region)
    {
        lock (Domain.MapLock)
        {
            int index = Find(regions, address);
            region = index < 0 ? default : regions[index];
            if (index < 0 || region.Block != null)
            {
                return index >= 0;
            }
            ulong start = address & ~(ChunkSize - 1);
            LinearRegion chunk = region.Slice(start, start + ChunkSize);
            if (Allocate(chunk.Size) is not { } block)
            {
                return false;
            }
            region = chunk with { Block = block, Offset = 0 };
            // Nothing can have been cached of a region without memory, so there is nothing to retire.
            Replace(chunk.Start, chunk.End, region);
            return true;
        }
    }

    MemoryBlock? Allocate(ulong size)
    {
        if (size > memoryLimit - (ulong)Interlocked.Read(ref allocated))
        {
            return null;
        }
        try
        {
            MemoryBlock block = new(size);
            Interlocked.Add(ref allocated, (long)size);
            return block;
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Puts <paramref name="region"/>, or nothing, in the place of all that lies between two addresses; returns what was there.</summary>
    List<LinearRegion> Replace(ulong start, ulong end, LinearRegion? region)
    {
        List<LinearRegion> result = new(regions.Length + 2);
        List<LinearRegion> removed = [];
        bool placed = false;
        foreach (LinearRegion old in regions)
        {
            if (old.End <= start)
            {
                result.Add(old);
                continue;
            }
            AddIfNotEmpty(result, old, old.Start, start);
            PlaceNew();
            if (old.Start >= end)
            {
                result.Add(old);
                continue;
            }
            AddIfNotEmpty(result, old, end, old.End);
            removed.Add(old.Slice(start, end));
        }
        PlaceNew();
        regions = [.. result];
        return removed;

        void PlaceNew()
        {
            if (!placed && region is { } added)
            {
                result.Add(added);
            }
            placed = true;
        }
    }

    /// <summary>Gives removed regions back once no CPU can reach them any more.</summary>
    void Retire(List<LinearRegion> removed)
    {
        DropCode(removed);
        if (removed.Count > 0)
        {
            Domain.FlushTranslations();
        }
        foreach (LinearRegion old in removed)
        {
            if (old.Block is { } block)
            {
                Interlocked.Add(ref allocated, block.IsOfEmbedder ? 0 : -(long)old.Size);
                block.Release();
            }
        }
    }

    /// <summary>Blocks decoded from these regions go, and with them the links that lead there.</summary>
    void DropCode(List<LinearRegion> old)
    {
        foreach (LinearRegion region in old)
        {
            if (region.Block is { } block)
            {
                Domain.CodeChanged(block, region.Offset, region.Size);
            }
        }
    }

    static void AddIfNotEmpty(List<LinearRegion> list, LinearRegion region, ulong start, ulong end)
    {
        if (Math.Max(start, region.Start) < Math.Min(end, region.End))
        {
            AddPiece(list, region.Slice(start, end));
        }
    }

    static void AddPiece(List<LinearRegion> list, LinearRegion piece)
    {
        piece.Block?.AddReference();
        list.Add(piece);
    }
}
