using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace FastVcpu.Memory;

/// <summary>A piece of host memory that guest addresses lead to, and what the CPUs that share it have to know about its pages.</summary>
/// <remarks>Reference counted: memory goes back to the host when the last region that shows it is gone.</remarks>
sealed unsafe class MemoryBlock
{
    public const int PageShift = 12;
    public const ulong PageSize = 1UL << PageShift;

    void* allocation;
    readonly MemoryMappedViewAccessor? mapping;
    readonly System.Buffers.MemoryHandle pin;
    readonly int[] codeBlocks;
    int references = 1;

    /// <summary>Zeroed memory of the host, committed as it is touched.</summary>
    public MemoryBlock(ulong size)
    {
        Size = size;
        allocation = NativeMemory.AllocZeroed(checked((nuint)(size + PageSize)));
        Pointer = (byte*)(((ulong)allocation + PageSize - 1) & ~(PageSize - 1));
        codeBlocks = new int[size >> PageShift];
    }

    /// <summary>Memory of the embedder, pinned as long as it is mapped.</summary>
    public MemoryBlock(Memory<byte> memory)
    {
        Size = (ulong)memory.Length;
        pin = memory.Pin();
        Pointer = (byte*)pin.Pointer;
        codeBlocks = new int[(Size + PageSize - 1) >> PageShift];
    }

    /// <summary>A private view of an image.</summary>
    public MemoryBlock(MemoryImage image)
    {
        Size = image.Size;
        mapping = image.MapPrivately(out byte* pointer);
        Pointer = pointer;
        codeBlocks = new int[Size >> PageShift];
        StartChanges(image);
    }

    public byte* Pointer { get; }

    public ulong Size { get; }

    /// <summary>Number of decoded blocks, of all CPUs, that lie in a page. While it is not zero, no write TLB may hold the page.</summary>
    public ref int CodeBlocks(ulong offset) => ref codeBlocks[offset >> PageShift];

    /// <summary>What guests write is recorded here, if at all.</summary>
    public DirtyLog? Log { get; set; }

    /// <summary>What the block holds but for <see cref="Changes"/>, if that is known.</summary>
    public MemoryImage? Image { get; private set; }

    /// <summary>The pages that may differ from <see cref="Image"/>. Null for memory of the embedder, whose own writes nobody sees.</summary>
    public DirtyLog? Changes { get; private set; }

    /// <summary>The embedder has allocated it.</summary>
    public bool IsOfEmbedder => allocation == null && mapping == null;

    /// <summary>The block holds what an image does: from now on, changes are recorded. The caller empties the write TLBs.</summary>
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
