using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Memory;

/// <summary>A piece of host memory that guest addresses lead to, and what the CPUs that share it have to know about its pages.</summary>
/// <remarks>Reference counted: memory goes back to the host when the last region that shows it is gone.</remarks>
sealed unsafe class MemoryBlock
{
    public const int PageShift = 12;
    public const ulong PageSize = 1UL << PageShift;

    const int GroupShift = 8, GroupPages = 1 << GroupShift;

    void* allocation;
    readonly MemoryMappedViewAccessor? mapping;
    readonly System.Buffers.MemoryHandle pin;
    /// <summary>In groups of <see cref="GroupPages"/>, which are made when one of them has code.</summary>
    readonly int[]?[] codeBlocks;

    int references = 1;

    /// <summary>Zeroed memory of the host, committed as it is touched.</summary>
    public MemoryBlock(ulong size)
    {
        Size = size;
        allocation = NativeMemory.AllocZeroed(checked((nuint)(size + PageSize)));
        Pointer = (byte*)(((ulong)allocation + PageSize - 1) & ~(PageSize - 1));
        codeBlocks = new int[]?[GroupsOf(size)];
    }

    /// <summary>Memory of the embedder, pinned as long as it is mapped.</summary>
    public MemoryBlock(Memory<byte> memory)
    {
        Size = (ulong)memory.Length;
        pin = memory.Pin();
        Pointer = (byte*)pin.Pointer;
        codeBlocks = new int[]?[GroupsOf(Size)];
    }

    /// <summary>A private view of an image.</summary>
    public MemoryBlock(MemoryImage image)
    {
        Size = image.Size;
        mapping = image.MapPrivately(out byte* pointer);
        Pointer = pointer;
        codeBlocks = new int[]?[GroupsOf(Size)];
        StartChanges(image);
    }

    public byte* Pointer { get; }

    public ulong Size { get; }

    /// <summary>Number of decoded blocks, of all CPUs, that lie in a page. While it is not zero, entries of write TLBs for the page are guarded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int CodeBlocks(ulong offset) => Volatile.Read(ref codeBlocks[offset >> (PageShift + GroupShift)]) is { } group ? Volatile.Read(ref group[IndexInGroup(offset)]) : 0;

    /// <summary>A block has been decoded from a page, or is about to be. The number of them.</summary>
    public int AddCodeBlock(ulong offset)
    {
        ref int[]? place = ref codeBlocks[offset >> (PageShift + GroupShift)];
        int[] group = Volatile.Read(ref place) ?? Interlocked.CompareExchange(ref place, new int[GroupPages], null) ?? place!;
        return Interlocked.Increment(ref group[IndexInGroup(offset)]);
    }

    /// <summary>A block that was decoded from a page is gone.</summary>
    public void RemoveCodeBlock(ulong offset) => Interlocked.Decrement(ref codeBlocks[offset >> (PageShift + GroupShift)]![IndexInGroup(offset)]);

    /// <summary>What guests write is recorded here, if at all.</summary>
    public DirtyLog? Log { get; set; }

    /// <summary>What the block holds but for <see cref="Changes"/>, if that is known.</summary>
    public MemoryImage? Image { get; private set; }

    /// <summary>The pages that may differ from <see cref="Image"/>. Null for memory of the embedder, whose own writes nobody sees.</summary>
    public DirtyLog? Changes { get; private set; }

    /// <summary>The embedder has allocated it.</summary>
    public bool IsOfEmbedder => allocation == null && mapping == null;

    /// <summary>The block holds what an image does: from now on, changes are recorded. The caller guards the write TLBs.</summary>
    public void StartChanges(MemoryImage image)
    {
        if (Image != image)
        {
            image.AddReference();
            Image?.Release();
            Image = image;
        }
        Changes = IsOfEmbedder ? null : new DirtyLog(Size);
    }

    /// <summary>From now on changes are recorded, in advance of <see cref="SetImage"/>. The caller guards the write TLBs.</summary>
    public void RecordChanges() => Changes ??= new DirtyLog(Size);

    /// <summary>The block holds what an image does, but for the pages that have been written since <see cref="RecordChanges"/>.</summary>
    public void SetImage(MemoryImage image)
    {
        image.AddReference();
        Image = image;
    }

    /// <summary>A guest is about to write to the page at an offset.</summary>
    public void NoteGuestWrite(ulong offset)
    {
        Log?.Mark(offset);
        Changes?.Mark(offset);
    }

    /// <summary>The host is about to write.</summary>
    public void NoteHostWrite(ulong offset, ulong length)
    {
        if (Changes is { } changes)
        {
            for (ulong page = offset & Tlb.PageMask; page < offset + length; page += PageSize)
            {
                changes.Mark(page);
            }
        }
    }

    public void AddReference() => Interlocked.Increment(ref references);

    public void Release()
    {
        if (Interlocked.Decrement(ref references) == 0)
        {
            Free();
            GC.SuppressFinalize(this);
        }
    }

    ~MemoryBlock() => Free();

    static int IndexInGroup(ulong offset) => (int)(offset >> PageShift) & (GroupPages - 1);

    static int GroupsOf(ulong size) => (int)((size + (PageSize << GroupShift) - 1) >> (PageShift + GroupShift));

    void Free()
    {
        NativeMemory.Free(allocation);
        allocation = null;
        pin.Dispose();
        if (mapping != null)
        {
            MemoryImage.Unmap(mapping);
        }
        Image?.Release();
    }
}
