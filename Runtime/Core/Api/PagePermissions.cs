namespace FastVcpu;

/// <summary>What a user-mode guest may do with a page of an <see cref="AddressSpace"/>.</summary>
[Flags]
public enum PagePermissions
{
    /// <summary>Mapped, but every access faults.</summary>
    None = 0,
    /// <summary>Data reads.</summary>
    Read = 1,
    /// <summary>Data writes. As on hardware, a writable page is also readable.</summary>
    Write = 2,
    /// <summary>Instruction fetches. Unlike on hardware without protection keys, a page may be executable without being readable.</summary>
    Execute = 4,
}
