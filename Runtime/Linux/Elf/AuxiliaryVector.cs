namespace FastVcpu.Linux.Elf;

/// <summary>Types of auxiliary vector entries (include/uapi/linux/auxvec.h).</summary>
static class AuxiliaryType
{
    public const ulong Null = 0, ProgramHeaders = 3, ProgramHeaderSize = 4, ProgramHeaderCount = 5, PageSize = 6, Base = 7, Flags = 8;
    public const ulong Entry = 9, UserId = 11, EffectiveUserId = 12, GroupId = 13, EffectiveGroupId = 14, Platform = 15, HardwareCapabilities = 16;
    public const ulong ClockTicks = 17, Secure = 23, Random = 25, HardwareCapabilities2 = 26, ExecutableName = 31, MinimumSignalStack = 51;
}
