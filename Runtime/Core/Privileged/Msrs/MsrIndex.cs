namespace FastVcpu.Privileged.Msrs;

/// <summary>Numbers of model-specific registers (SDM Vol. 4; APM Vol. 2 appendix A).</summary>
static class MsrIndex
{
    public const uint Tsc = 0x10, ApicBase = 0x1B, FeatureControl = 0x3A, TscAdjust = 0x3B, MicrocodeRevision = 0x8B, MtrrCapability = 0xFE;
    public const uint TscDeadline = 0x6E0, FirstExtendedApic = 0x800, LastExtendedApic = 0x8FF;
    public const uint SysenterCs = 0x174, SysenterEsp = 0x175, SysenterEip = 0x176, MachineCheckCapability = 0x179, MachineCheckStatus = 0x17A;
    public const uint MiscEnable = 0x1A0, DebugControl = 0x1D9, LastBranchFrom = 0x1DB, LastBranchTo = 0x1DC, LastInterruptFrom = 0x1DD, LastInterruptTo = 0x1DE;
    public const uint FirstVariableMtrr = 0x200, Mtrr64K = 0x250, FirstMtrr16K = 0x258, FirstMtrr4K = 0x268, Pat = 0x277, MtrrDefaultType = 0x2FF;
    /// <summary>IA32_XSS: the components that only XSAVES saves.</summary>
    public const uint SupervisorState = 0xDA0;
    public const uint Efer = 0xC0000080, Star = 0xC0000081, Lstar = 0xC0000082, Cstar = 0xC0000083, SyscallMask = 0xC0000084;
    public const uint FsBase = 0xC0000100, GsBase = 0xC0000101, KernelGsBase = 0xC0000102, TscAux = 0xC0000103;
    public const uint SystemConfiguration = 0xC0010010, HardwareConfiguration = 0xC0010015;
}
