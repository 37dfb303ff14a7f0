namespace FastVcpu.Interrupts;

/// <summary>Offsets of the local APIC's registers (SDM Vol. 3 table 11-1). The x2APIC has them as MSRs from 800h on, one for each 16 bytes.</summary>
static class ApicRegister
{
    public const int Id = 0x20, Version = 0x30, TaskPriority = 0x80, ArbitrationPriority = 0x90, ProcessorPriority = 0xA0, EndOfInterrupt = 0xB0, RemoteRead = 0xC0;
    public const int LogicalDestination = 0xD0, DestinationFormat = 0xE0, SpuriousVector = 0xF0;
    /// <summary>Eight registers of 32 vectors each.</summary>
    public const int InService = 0x100, TriggerMode = 0x180, Requests = 0x200;
    public const int ErrorStatus = 0x280, CommandLow = 0x300, CommandHigh = 0x310;
    public const int LvtTimer = 0x320, LvtThermal = 0x330, LvtPerformance = 0x340, LvtLint0 = 0x350, LvtLint1 = 0x360, LvtError = 0x370;
    public const int InitialCount = 0x380, CurrentCount = 0x390, DivideConfiguration = 0x3E0, SelfIpi = 0x3F0;

    public const int Stride = 0x10;

    /// <summary>Registers of the local vector table.</summary>
    public const int FirstLvt = LvtTimer, LastLvt = LvtError;
}

/// <summary>Bits of an entry of the local vector table (SDM Vol. 3 11.5.1).</summary>
static class Lvt
{
    public const uint Vector = 0xFF, Mode = 7 << 8, Polarity = 1 << 13, RemoteIrr = 1 << 14, LevelTriggered = 1 << 15, Masked = 1 << 16;
    public const uint ReadOnly = 1 << 12 | RemoteIrr;
    public const int ModeShift = 8, TimerModeShift = 17;
    public const uint TimerMode = 3u << TimerModeShift;

    /// <summary>What can be written of an entry.</summary>
    public static uint Writable(int register) => register switch
    {
        ApicRegister.LvtTimer => Vector | Masked | TimerMode,
        ApicRegister.LvtLint0 or ApicRegister.LvtLint1 => Vector | Mode | Polarity | LevelTriggered | Masked,
        ApicRegister.LvtError => Vector | Masked,
        _ => Vector | Mode | Masked,
    };
}

/// <summary>Bits of the error status register (SDM Vol. 3 11.5.3).</summary>
static class ApicError
{
    public const uint SendIllegalVector = 1 << 5, ReceiveIllegalVector = 1 << 6, IllegalRegister = 1 << 7;
}
