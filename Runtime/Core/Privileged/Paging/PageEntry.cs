namespace FastVcpu.Privileged.Paging;

/// <summary>Bits of paging-structure entries of every format (SDM Vol. 3 4.3–4.5).</summary>
static class PageEntry
{
    public const ulong Present = 1, Writable = 1 << 1, User = 1 << 2, Accessed = 1 << 5, Dirty = 1 << 6;
    /// <summary>In an entry above the lowest level: it maps a large page.</summary>
    public const ulong Large = 1 << 7;
    public const ulong NoExecute = 1UL << 63;

    /// <summary>The address in an entry of 8 bytes.</summary>
    public const ulong AddressMask = 0x000F_FFFF_FFFF_F000;
}

/// <summary>Bits of a page fault's error code (SDM Vol. 3 4.7).</summary>
static class PageFaultCode
{
    public const uint Protection = 1, Write = 2, User = 4, Reserved = 8, Fetch = 16;
}
