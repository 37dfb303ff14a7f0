namespace FastVcpu.Linux.Abi;

/// <summary>What differs between the two kinds of guest program: sizes, the shape of the address space, names.</summary>
sealed class LinuxAbi
{
    /// <summary>64-bit programs.</summary>
    public static readonly LinuxAbi Amd64 = new()
    {
        Is64 = true,
        WordSize = 8,
        Machine = "x86_64",
        Platform = "x86_64",
        UserLimit = 0x7FFF_FFFF_F000,
        StackTop = 0x7FFF_FFFF_F000,
        MapTop = 0x7FFF_F7FF_F000,
        PieBase = 0x5555_5555_4000,
    };

    /// <summary>32-bit programs, as a 64-bit kernel runs them.</summary>
    public static readonly LinuxAbi I386 = new()
    {
        Is64 = false,
        WordSize = 4,
        Machine = "i686",
        Platform = "i686",
        UserLimit = 0xFFFF_E000,
        StackTop = 0xFFFF_E000,
        MapTop = 0xF7FF_E000,
        PieBase = 0x5655_5000,
    };

    LinuxAbi()
    {
    }

    public required bool Is64 { get; init; }

    /// <summary>Size of long and of a pointer.</summary>
    public required int WordSize { get; init; }

    /// <summary>The machine name of uname.</summary>
    public required string Machine { get; init; }

    /// <summary>AT_PLATFORM.</summary>
    public required string Platform { get; init; }

    /// <summary>End of the addresses a program may use.</summary>
    public required ulong UserLimit { get; init; }

    /// <summary>End of the initial stack.</summary>
    public required ulong StackTop { get; init; }

    /// <summary>Mappings are placed downwards from here.</summary>
    public required ulong MapTop { get; init; }

    /// <summary>Where a position-independent program goes.</summary>
    public required ulong PieBase { get; init; }

    /// <summary>A register value as an address of this program.</summary>
    public ulong Address(ulong value) => Is64 ? value : (uint)value;

    /// <summary>A register value as a signed long of this program.</summary>
    public long Long(ulong value) => Is64 ? (long)value : (int)value;
}
