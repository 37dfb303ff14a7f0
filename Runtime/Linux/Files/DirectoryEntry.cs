namespace FastVcpu.Linux.Files;

/// <summary>The linux_dirent64 record.</summary>
static class DirectoryEntry
{
    public const int NameOffset = 19;

    /// <summary>Length of a record with a name of so many bytes: with the NUL, in units of eight.</summary>
    public static int Size(int nameLength) => (NameOffset + nameLength + 1 + 7) & ~7;
}
