namespace FastVcpu.Events;

/// <summary>Bits of DR6 (SDM Vol. 3 18.2.3).</summary>
static class Dr6
{
    /// <summary>Bits that read as one, and the value after reset.</summary>
    public const uint Fixed = 0xFFFF0FF0;
    public const uint Breakpoints = 0xF, RegisterAccess = 1 << 13, SingleStep = 1 << 14, TaskSwitch = 1 << 15;
}

/// <summary>Bits of DR7 (SDM Vol. 3 18.2.4).</summary>
static class Dr7
{
    /// <summary>The bit that reads as one; the value after reset.</summary>
    public const uint Fixed = 1 << 10;
    public const uint GeneralDetect = 1 << 13;
    /// <summary>Bits 11, 12, 14 and 15 and the upper half.</summary>
    public const ulong Reserved = ~0xFFFF27FFUL;

    public static bool IsEnabled(ulong dr7, int slot) => (dr7 >> (slot * 2) & 3) != 0;

    public static BreakpointType Type(ulong dr7, int slot) => (BreakpointType)(dr7 >> (16 + slot * 4) & 3);

    /// <summary>Length in bytes: 1, 2, 8, 4.</summary>
    public static uint Length(ulong dr7, int slot) => (uint)(dr7 >> (18 + slot * 4) & 3) switch { 0 => 1, 1 => 2, 2 => 8, _ => 4 };
}
