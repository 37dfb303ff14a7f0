using System.Diagnostics.CodeAnalysis;

namespace FastVcpu.Memory;

/// <summary>
/// The execute TLB: where instructions may be fetched from. Links and jump caches lead to blocks of its pages without asking it, so a page is forgotten only together with those.
/// Only the dispatcher asks, so that it can hold references.
/// </summary>
sealed class CodeTlb
{
    const int MostPages = 1 << 14;

    readonly Dictionary<ulong, (MemoryBlock Block, ulong Offset)> pages = [];

    /// <summary>There is room for another page.</summary>
    public bool HasRoom => pages.Count < MostPages;

    /// <summary>Where the page of an address is cached to be, if it is.</summary>
    public bool TryFind(ulong address, bool isUser, [NotNullWhen(true)] out MemoryBlock? block, out ulong offset)
    {
        bool found = pages.TryGetValue(Tag(address, isUser), out (MemoryBlock Block, ulong Offset) page);
        (block, offset) = page;
        return found;
    }

    public void Fill(ulong address, bool isUser, MemoryBlock block, ulong offset) => pages[Tag(address, isUser)] = (block, offset);

    /// <summary>Forgets one page; true when it was there.</summary>
    public bool Remove(ulong address) => pages.Remove(Tag(address, isUser: false)) | pages.Remove(Tag(address, isUser: true));

    public void Clear() => pages.Clear();

    /// <summary>Linear page, and in bit 0 whether it was found executable for CPL 3 or for more privilege.</summary>
    static ulong Tag(ulong address, bool isUser) => address & Tlb.PageMask | (isUser ? 1UL : 0);
}
