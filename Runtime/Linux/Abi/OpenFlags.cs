namespace FastVcpu.Linux.Abi;

/// <summary>open(2) flags as x86 guests number them.</summary>
[Flags]
enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    AccessMode = 3,
    Create = 0x40,
    Exclusive = 0x80,
    NoControllingTerminal = 0x100,
    Truncate = 0x200,
    Append = 0x400,
    NonBlocking = 0x800,
    DataSync = 0x1000,
    Async = 0x2000,
    Direct = 0x4000,
    LargeFile = 0x8000,
    Directory = 0x10000,
    NoFollow = 0x20000,
    NoAccessTime = 0x40000,
    CloseOnExec = 0x80000,
    Sync = 0x101000,
    Path = 0x200000,
    /// <summary>O_TMPFILE's own bit; the full flag also has <see cref="Directory"/>.</summary>
    TemporaryFile = 0x400000,
    /// <summary>What F_SETFL can change.</summary>
    Changeable = Append | NonBlocking | Async | Direct | NoAccessTime,
}
