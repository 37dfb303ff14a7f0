using System.Runtime.InteropServices;

namespace FastVcpu.Linux.Host;

/// <summary>struct timespec of a 64-bit host.</summary>
[StructLayout(LayoutKind.Sequential)]
record struct HostTimespec(long Seconds, long Nanoseconds);

/// <summary>Access and modification time, as utimensat takes them.</summary>
[StructLayout(LayoutKind.Sequential)]
record struct HostTimes(HostTimespec Access, HostTimespec Modification);

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
record struct HostPollEntry(int Descriptor, short Events, short Returned);

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential)]
record struct StatxTime(long Seconds, uint Nanoseconds, int Reserved);

/// <summary>struct statx: the one stat structure that is the same on every architecture, so it serves host and guest.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
struct HostStatx
{
    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint Links;
    public uint User;
    public uint Group;
    public ushort Mode;
    public ushort Spare0;
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public StatxTime AccessTime;
    public StatxTime BirthTime;
    public StatxTime ChangeTime;
    public StatxTime ModificationTime;
    public uint RawDeviceMajor;
    public uint RawDeviceMinor;
    public uint DeviceMajor;
    public uint DeviceMinor;
    public ulong MountId;

    /// <summary>STATX_BASIC_STATS.</summary>
    public const uint BasicMask = 0x7FF;

    public readonly FileKind Kind => (FileKind)(Mode & 0xF000);
}

/// <summary>S_IFMT values.</summary>
enum FileKind
{
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xA000,
    Socket = 0xC000,
}

/// <summary>struct statfs of a 64-bit host.</summary>
[StructLayout(LayoutKind.Sequential)]
struct HostStatfs
{
    public long Type;
    public long BlockSize;
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public ulong Id;
    public long NameLength;
    public long FragmentSize;
    public long Flags;
    public long Spare0;
    public long Spare1;
    public long Spare2;
    public long Spare3;
}
