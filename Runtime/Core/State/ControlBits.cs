namespace FastVcpu.State;

/// <summary>Bits of CR0 (SDM Vol. 3 2.5).</summary>
static class Cr0
{
    public const ulong ProtectionEnable = 1, MonitorCoprocessor = 1 << 1, Emulation = 1 << 2, TaskSwitched = 1 << 3, ExtensionType = 1 << 4, NumericError = 1 << 5;
    public const ulong WriteProtect = 1 << 16, AlignmentMask = 1 << 18, NotWriteThrough = 1 << 29, CacheDisable = 1 << 30, Paging = 1UL << 31;
}

/// <summary>Bits of CR4 (SDM Vol. 3 2.5).</summary>
static class Cr4
{
    public const ulong Virtual8086Extensions = 1, ProtectedVirtualInterrupts = 1 << 1, TimeStampDisable = 1 << 2, DebuggingExtensions = 1 << 3;
    public const ulong PageSizeExtensions = 1 << 4, PhysicalAddressExtension = 1 << 5, MachineCheck = 1 << 6, PageGlobal = 1 << 7, PerformanceCounters = 1 << 8;
    public const ulong OsFxsr = 1 << 9, OsXmmException = 1 << 10, UserModeInstructionPrevention = 1 << 11, LinearAddress57 = 1 << 12;
    public const ulong FsGsBase = 1 << 16, ProcessContextIds = 1 << 17, OsXsave = 1 << 18, SupervisorExecutionPrevention = 1 << 20, SupervisorAccessPrevention = 1 << 21;
}

/// <summary>Bits of XCR0: the state components that XSAVE saves and whose instructions may be used (SDM Vol. 1 13.3).</summary>
static class Xcr0
{
    public const ulong X87 = 1, Sse = 1 << 1, Avx = 1 << 2;
}

/// <summary>Bits of the extended feature enable register (SDM Vol. 3 2.2.1).</summary>
static class Efer
{
    public const ulong SystemCall = 1, LongModeEnable = 1 << 8, LongModeActive = 1 << 10, NoExecute = 1 << 11, FastFxsave = 1 << 14;
}
