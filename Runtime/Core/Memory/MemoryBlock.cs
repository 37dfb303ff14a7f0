using System.Runtime.InteropServices;

namespace FastVcpu.Memory;

/// <summary>A piece of host memory that guest addresses lead to, and what the CPUs that share it have to know about its pages.</summary>
/// <remarks>Reference counted: memory goes back to the host when the last region that shows it is gone.</remarks>
sealed unsafe class MemoryBlock
{
    public const int PageShift = 12;
    public const ulong PageSize = 1UL << PageShift;

    void* allocation;
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

    public byte* Pointer { get; }

    public ulong Size { get; }

    /// <summary>Number of decoded blocks, of all CPUs, that lie in a page. While it is not zero, no write TLB may hold the page.</summary>
    public ref int CodeBlocks(ulong offset) => ref codeBlocks[offset >> PageShift];

    /// <summary>What guests write is recorded here, if at all.</summary>
    public DirtyLog? Log { get; set; }

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
    }
}
