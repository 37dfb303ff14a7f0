namespace FastVcpu.Interrupts;

/// <summary>How an interrupt message is to be taken (SDM Vol. 3 11.5.1).</summary>
enum DeliveryMode
{
    Fixed,
    LowestPriority,
    SystemManagement,
    Reserved,
    NonMaskable,
    Init,
    StartUp,
    External,
}

/// <summary>Whom a message is for, besides its destination (SDM Vol. 3 11.6.1).</summary>
enum DestinationShorthand
{
    None,
    Self,
    AllIncludingSelf,
    AllExcludingSelf,
}

/// <summary>An interrupt on its way to local APICs.</summary>
readonly record struct ApicMessage
{
    const int DeliveryModeShift = 8;

    public byte Vector { get; init; }

    public DeliveryMode Mode { get; init; }

    public bool IsLevelTriggered { get; init; }

    public bool IsLogical { get; init; }

    /// <summary>8 bits, or 32 from an x2APIC.</summary>
    public uint Destination { get; init; }

    public DestinationShorthand Shorthand { get; init; }

    /// <summary>It comes from an x2APIC, so that all ones in 32 bits, not in 8, are everybody.</summary>
    public bool IsExtended { get; init; }

    /// <summary>A message-signalled interrupt (SDM Vol. 3 11.11). The upper half of the address extends the destination.</summary>
    public static ApicMessage FromMsi(ulong address, uint data) => new()
    {
        Vector = (byte)data,
        Mode = ModeOf(data),
        IsLevelTriggered = (data >> 15 & 1) != 0,
        IsLogical = (address >> 2 & 1) != 0,
        Destination = (uint)(address >> 12) & 0xFF | (uint)(address >> 32) & ~0xFFu,
    };

    /// <summary>What an entry of the redirection table sends.</summary>
    public static ApicMessage FromRedirection(ulong entry) => new()
    {
        Vector = (byte)entry,
        Mode = ModeOf((uint)entry),
        IsLevelTriggered = (entry & Redirection.LevelTriggered) != 0,
        IsLogical = (entry & Redirection.Logical) != 0,
        Destination = (uint)(entry >> Redirection.DestinationShift),
    };

    /// <summary>What a write of the interrupt command register sends.</summary>
    public static ApicMessage FromCommand(uint low, uint destination, bool isExtended) => new()
    {
        Vector = (byte)low,
        Mode = ModeOf(low),
        IsLevelTriggered = (low >> 15 & 1) != 0,
        IsLogical = (low >> 11 & 1) != 0,
        Destination = destination,
        Shorthand = (DestinationShorthand)(low >> 18 & 3),
        IsExtended = isExtended,
    };

    static DeliveryMode ModeOf(uint word) => (DeliveryMode)(word >> DeliveryModeShift & 7);
}
