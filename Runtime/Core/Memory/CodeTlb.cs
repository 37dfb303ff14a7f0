using System.Diagnostics.CodeAnalysis;

namespace FastVcpu.Memory;

/// <summary>The execute TLB: where instructions may be fetched from. Only the dispatcher asks it, so that it can hold references.</summary>
sealed class CodeTlb
{
    const int Size = 64;

    struct Entry
    {
        /// <summary>Linear page, and in bit 0 whether it was found executable for CPL 3 or for more privilege.</summary>
        public ulong Tag;
        /// <summary>Null: an empty entry.</summary>
        public MemoryBlock? Block;
        public ulong Offset;
    }

    readonly Entry[] entries = new Entry[Size];

    /// <summary>Where the page of an address is cached to be, if it is.</summary>
    public bool TryFind(ulong address, bool isUser, [NotNullWhen(true)] out MemoryBlock? block, out ulong offset)
    {
        ref Entry entry = ref At(address);
        (block, offset) = (entry.Block, entry.Offset);
        return entry.Tag == Tag(address, isUser) && block != null;
    }

    public void Fill(ulong address, bool isUser, MemoryBlock block, ulong offset) =>
        At(address) = new Entry { Tag = Tag(address, isUser), Block = block, Offset = offset };

    /// <summary>Forgets one page; true when it was there.</summary>
    public bool Remove(ulong address)
    {
        ref Entry entry = ref At(address);
        bool found = (entry.Tag & Tlb.PageMask) == (address & Tlb.PageMask) && entry.Block != null;
        if (found)
        {
            entry = default;
        }
        return found;
    }

    public void Clear() => Array.Clear(entries);

    static ulong Tag(ulong address, bool isUser) => address & Tlb.PageMask | (isUser ? 1UL : 0);

    ref Entry At(ulong address) => ref entries[(int)(address >> MemoryBlock.PageShift) & (Size - 1)];
}
