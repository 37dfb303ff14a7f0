namespace FastVcpu.State;

/// <summary>The bits of RFLAGS that are not arithmetic flags (SDM Vol. 1 3.4.3).</summary>
static class SystemFlagBits
{
    public const ulong Trap = 1 << 8, Interrupt = 1 << 9, Direction = 1 << 10, IoPrivilege = 3 << 12, NestedTask = 1 << 14, Resume = 1 << 16;
    public const ulong Virtual8086 = 1 << 17, AlignmentCheck = 1 << 18, VirtualInterrupt = 1 << 19, VirtualInterruptPending = 1 << 20, Identification = 1 << 21;

    public const int IoPrivilegeShift = 12;

    /// <summary>All of them.</summary>
    public const ulong Settable = Trap | Interrupt | Direction | IoPrivilege | NestedTask | Resume | Virtual8086 | AlignmentCheck
        | VirtualInterrupt | VirtualInterruptPending | Identification;
}
