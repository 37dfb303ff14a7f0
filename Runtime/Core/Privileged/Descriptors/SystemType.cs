namespace FastVcpu.Privileged.Descriptors;

/// <summary>Type fields of system descriptors (SDM Vol. 3 table 3-2). In long mode those of 32 bits mean 64 bits.</summary>
static class SystemType
{
    public const int AvailableTss16 = 1, Ldt = 2, BusyTss16 = 3, CallGate16 = 4, TaskGate = 5, InterruptGate16 = 6, TrapGate16 = 7;
    public const int AvailableTss32 = 9, BusyTss32 = 11, CallGate32 = 12, InterruptGate32 = 14, TrapGate32 = 15;

    /// <summary>Set in the type of a TSS that is busy.</summary>
    public const int Busy = 2;

    /// <summary>Set in the types of 32 (or 64) bits.</summary>
    public const int Wide = 8;
}
