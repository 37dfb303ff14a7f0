using System.IO.MemoryMappedFiles;
using System.Numerics;

namespace FastVcpu.Memory;

/// <summary>
/// Contents that do not change any more. Blocks that are views of it share its pages until they write to them: the host's memory management copies.
/// </summary>
/// <remarks>Reference counted.</remarks>
sealed unsafe class MemoryImage
{
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    int references = 1;

    /// <summary>Contents of zeros, to be filled before anybody has a view.</summary>
    public MemoryImage(ulong size)
    {
        Size = size;
        file = MemoryMappedFile.CreateNew(null, checked((long)size));
        view = Map(MemoryMappedFileAccess.ReadWrite, out byte* pointer);
        Pointer = pointer;
    }

    /// <summary>What a block holds now.</summary>
    public MemoryImage(MemoryBlock block)
        : this(block.Size)
    {
        for (ulong page = 0; page < Size; page += MemoryBlock.PageSize)
        {
            ReadOnlySpan<byte> bytes = new(block.Pointer + page, (int)MemoryBlock.PageSize);
            // Pages of zeros take no memory.
            if (bytes.ContainsAnyExcept((byte)0))
            {
                bytes.CopyTo(new Span<byte>(Pointer + page, bytes.Length));
            }
        }
    }

    public byte* Pointer { get; }

    public ulong Size { get; }

    public void AddReference() => Interlocked.Increment(ref references);

    public void Release()
    {
        if (Interlocked.Decrement(ref references) == 0)
        {
            Unmap(view);
            file.Dispose();
        }
    }

    /// <summary>Maps the contents once more, so that writes stay with this mapping.</summary>
    public MemoryMappedViewAccessor MapPrivately(out byte* pointer) => Map(MemoryMappedFileAccess.CopyOnWrite, out pointer);

    /// <summary>Ends a mapping.</summary>
    public static void Unmap(MemoryMappedViewAccessor mapping)
    {
        mapping.SafeMemoryMappedViewHandle.ReleasePointer();
        mapping.Dispose();
    }

    /// <summary>Makes a block what this is. Which pages count as changed is not changed.</summary>
    /// <returns>Pages copied.</returns>
    public int CopyTo(MemoryBlock block, MemoryDomain domain)
    {
        int copied = 0;
        if (block.Image == this && block.Changes is { } changes)
        {
            for (int i = changes.NextWord(0); i < changes.WordCount; i = changes.NextWord(i + 1))
            {
                for (ulong bits = changes.Word(i); bits != 0; bits &= bits - 1)
                {
                    CopyPage(block, domain, (ulong)(i * 64 + BitOperations.TrailingZeroCount(bits)) << MemoryBlock.PageShift);
                    copied++;
                }
            }
        }
        else
        {
            for (ulong page = 0; page < Size; page += MemoryBlock.PageSize)
            {
                const int Length = (int)MemoryBlock.PageSize;
                if (!new ReadOnlySpan<byte>(block.Pointer + page, Length).SequenceEqual(new ReadOnlySpan<byte>(Pointer + page, Length)))
                {
                    CopyPage(block, domain, page);
                }
            }
            block.StartChanges(this);
        }
        return copied;
    }

    /// <summary>Makes a page what it was. Code beside data that has changed stays decoded.</summary>
    void CopyPage(MemoryBlock block, MemoryDomain domain, ulong page)
    {
        if (block.CodeBlocks(page) == 0)
        {
            Lines.Copy(Pointer + page, block.Pointer + page, (int)MemoryBlock.PageSize);
            return;
        }
        for (ulong line = page; line < page + MemoryBlock.PageSize; line += Lines.Size)
        {
            ReadOnlySpan<byte> old = new(Pointer + line, Lines.Size);
            Span<byte> present = new(block.Pointer + line, Lines.Size);
            if (!old.SequenceEqual(present))
            {
                old.CopyTo(present);
                domain.CodeChanged(block, line, Lines.Size);
            }
        }
    }

    MemoryMappedViewAccessor Map(MemoryMappedFileAccess access, out byte* pointer)
    {
        MemoryMappedViewAccessor mapping = file.CreateViewAccessor(0, (long)Size, access);
        byte* start = null;
        mapping.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        pointer = start;
        return mapping;
    }
}
