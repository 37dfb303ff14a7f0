namespace FastVcpu.Snapshots;

/// <summary>
/// A snapshot as a file; all numbers are little-endian. Head: <see cref="Magic"/>, version (4), kind (4), length of the whole file (8). Body, compressed as a zlib stream: description; number of
/// parts, and of each its name and its bytes; number of memory slots, and of each its number, flags, start and size, then the pages that are not zero – their index and their bytes, in rising
/// order –, then <see cref="EndOfPages"/>. A text or run of bytes is its length (4) and itself. Foot: SHA-256 of everything before it. The slots of a guest in user mode are the runs of pages of equal
/// permissions of its address space, numbered in the order of their addresses; their flags are the permissions, and <see cref="UntouchedFlag"/>.
/// </summary>
static class SnapshotFormat
{
    /// <summary>A byte that is no text, and line ends that a transfer as text would change.</summary>
    public static ReadOnlySpan<byte> Magic => [0xF7, (byte)'F', (byte)'V', (byte)'S', (byte)'N', 0x0D, 0x0A, 0x1A];

    public const uint Version = 1;

    public const int HeadSize = 24, FootSize = 32, VersionAt = 8, KindAt = 12, LengthAt = 16;

    public const ulong EndOfPages = ulong.MaxValue;

    /// <summary>Kinds of what the snapshot is of.</summary>
    public const uint Machine = 0, UserMode = 1;

    /// <summary>Slot of a machine: the guest cannot write it.</summary>
    public const int ReadOnlyFlag = 1;

    /// <summary>Slot of a guest in user mode: nobody has touched it, so that it takes no memory.</summary>
    public const int UntouchedFlag = 8;

    public const int PermissionFlags = (int)(PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);

    /// <summary>The most that a reader believes: bytes of all parts, parts, slots of a machine and of a guest in user mode, bytes of a text, bytes of memory.</summary>
    public const int MostState = 1 << 30, MostParts = 4096, MostSlots = 4096, MostRuns = 1 << 16, MostText = 1 << 16;

    public const ulong MostMemory = 1UL << 40;
}
