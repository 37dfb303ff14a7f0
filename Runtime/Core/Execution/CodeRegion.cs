using System.Runtime.InteropServices;

namespace FastVcpu.Execution;

/// <summary>A piece of the code cache: what is decoded goes into one until it is full, and goes with it.</summary>
/// <remarks>Aligned to its size, so that an op finds what is known about it beyond its 48 bytes.</remarks>
sealed unsafe class CodeRegion
{
    /// <summary>Bytes of a region. Small, so that making room drops little at a time.</summary>
    public const int Size = 64 << 10;

    const int OpSize = 48;
    const int KeyBytes = sizeof(uint);
    const int NumberBytes = 64;
    const int Capacity = (Size - NumberBytes) / (OpSize + KeyBytes);
    const int NumberOffset = Capacity * KeyBytes;
    const int FirstOp = Size - Capacity * OpSize;

    readonly byte* memory = (byte*)NativeMemory.AlignedAlloc(Size, Size);
    readonly Block?[] entries = new Block?[Capacity];
    int used;

    public CodeRegion(int number) => *(int*)(memory + NumberOffset) = number;

    /// <summary>The blocks that are in use here.</summary>
    public List<Block> Blocks { get; } = [];

    /// <summary>Stubs of blocks here that have been linked to a block whose address begins on another page.</summary>
    public List<nint> CrossPageLinks { get; } = [];

    /// <summary>The region is in the list of those that have <see cref="CrossPageLinks"/>.</summary>
    public bool IsListed { get; set; }

    public bool HasRoom(int count) => used + count <= Capacity;

    /// <summary>Takes consecutive ops, for which there is room.</summary>
    public Op* Allocate(int count)
    {
        Op* result = (Op*)(memory + FirstOp) + used;
        used += count;
        return result;
    }

    /// <summary>Takes all ops back. Nothing may point to one any more.</summary>
    public void Clear()
    {
        used = 0;
        Blocks.Clear();
        CrossPageLinks.Clear();
        Array.Clear(entries);
    }

    /// <summary>Adds a block whose ops are here. It is entered at its first or its second op.</summary>
    public void Add(Block block)
    {
        block.RegionIndex = Blocks.Count;
        Blocks.Add(block);
        int index = Index(block.Ops);
        (entries[index], entries[index + 1]) = (block, block);
    }

    public void Remove(Block block)
    {
        Blocks[block.RegionIndex] = Blocks[^1];
        Blocks[^1].RegionIndex = block.RegionIndex;
        Blocks.RemoveAt(Blocks.Count - 1);
        int index = Index(block.Ops);
        (entries[index], entries[index + 1]) = (null, null);
    }

    /// <summary>The block that is entered at an op of this region, or null.</summary>
    public Block? BlockAt(Op* entry) => entries[Index(entry)];

    /// <summary>Gives the memory back to the host.</summary>
    public void Free() => NativeMemory.AlignedFree(memory);

    /// <summary>The number of an op's region.</summary>
    public static int Number(Op* op) => *(int*)(Base(op) + NumberOffset);

    /// <summary>The handler key of an op.</summary>
    public static ref HandlerKey Key(Op* op) => ref *(HandlerKey*)(Base(op) + Index(op) * KeyBytes);

    static int Index(Op* op) => (int)(op - (Op*)(Base(op) + FirstOp));

    static byte* Base(Op* op) => (byte*)((nuint)op & ~(nuint)(Size - 1));
}
