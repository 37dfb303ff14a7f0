namespace FastVcpu.Linux.Memory;

/// <summary>One entry of a process's memory map (a VMA of the kernel).</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address behind the last byte.</param>
/// <param name="Protection">Rights.</param>
/// <param name="Name">File, or a word in brackets, as in /proc/self/maps.</param>
/// <param name="Offset">File offset of <paramref name="Start"/>.</param>
/// <param name="Shared">The memory that it shares with other mappings, or null for a private mapping.</param>
sealed record GuestMapping(ulong Start, ulong End, MemoryProtection Protection, string Name, ulong Offset, SharedMemory? Shared)
{
    public ulong Size => End - Start;

    /// <summary>No file and no other mapping knows its contents.</summary>
    public bool IsPrivateAnonymous => Shared == null && (Name.Length == 0 || Name[0] == '[');

    /// <summary>The part between two addresses.</summary>
    public GuestMapping Slice(ulong start, ulong end)
    {
        ulong from = Math.Max(start, Start);
        return this with { Start = from, End = Math.Min(end, End), Offset = Offset + (from - Start) };
    }
}
