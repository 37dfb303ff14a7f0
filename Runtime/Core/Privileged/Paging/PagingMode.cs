using FastVcpu.State;

namespace FastVcpu.Privileged.Paging;

/// <summary>The format of the paging structures that CR0, CR4 and EFER select (SDM Vol. 3 4.1.1).</summary>
/// <param name="TopLevel">The level of the first table: page tables are 1. In PAE paging the directory pointers are registers, so that a walk begins at 2.</param>
/// <param name="EntrySize">Bytes of an entry.</param>
/// <param name="IndexBits">Bits of the linear address that each level uses.</param>
readonly unsafe record struct PagingMode(int TopLevel, int EntrySize, int IndexBits)
{
    static readonly PagingMode TwoLevels = new(2, 4, 10), Pae = new(2, 8, 9), FourLevels = new(4, 8, 9), FiveLevels = new(5, 8, 9);

    public bool IsLegacy => EntrySize == 4;

    /// <summary>Directory pointers are in registers.</summary>
    public bool IsPae => this == Pae;

    public static PagingMode Of(CpuState* s) =>
        (s->Efer & Efer.LongModeActive) != 0 ? (s->Cr4 & Cr4.LinearAddress57) != 0 ? FiveLevels : FourLevels
        : (s->Cr4 & Cr4.PhysicalAddressExtension) != 0 ? Pae
        : TwoLevels;
}
