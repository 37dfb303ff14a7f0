using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>A file that this library makes up: /proc, and the devices every program may use.</summary>
abstract class VirtualNode
{
    /// <summary>Type and permission bits.</summary>
    public abstract ushort Mode { get; }

    /// <summary>What stat says.</summary>
    public virtual long Stat(string path, out HostStatx stat)
    {
        HostTimespec now = default;
        Libc.GetTime(0, out now);
        StatxTime time = new(now.Seconds, (uint)now.Nanoseconds, 0);
        stat = new HostStatx
        {
            Mask = HostStatx.BasicMask,
            BlockSize = 1024,
            Links = 1,
            User = Libc.GetEffectiveUser(),
            Group = Libc.GetEffectiveGroup(),
            Mode = Mode,
            Inode = (uint)string.GetHashCode(path, StringComparison.Ordinal) | 1u << 31,
            AccessTime = time,
            ChangeTime = time,
            ModificationTime = time,
            DeviceMinor = 0x50,
        };
        return 0;
    }
}

/// <summary>A text made when it is opened.</summary>
sealed class VirtualText(Func<byte[]> content) : VirtualNode
{
    public override ushort Mode => (ushort)FileKind.Regular | 0x124;

    public byte[] Content => content();
}

/// <summary>A symbolic link.</summary>
/// <param name="target">What readlink says.</param>
/// <param name="open">Opens what it means where the text alone does not lead there, as for /proc/self/fd; null otherwise.</param>
sealed class VirtualLink(Func<string> target, Func<OpenFlags, (OpenFile? File, long Error)>? open = null) : VirtualNode
{
    public override ushort Mode => (ushort)FileKind.SymbolicLink | 0x1FF;

    public string Target => target();

    /// <summary>Whether opening it ignores its text.</summary>
    public bool IsMagic => open != null;

    public (OpenFile? File, long Error) Open(OpenFlags flags) => open!(flags);
}

/// <summary>A device of the host that does no harm.</summary>
sealed class VirtualDevice(string hostPath) : VirtualNode
{
    public override ushort Mode => (ushort)FileKind.CharacterDevice | 0x1B6;

    public string HostPath => hostPath;

    /// <summary>What it gives are random numbers.</summary>
    public bool IsRandom => hostPath is "/dev/random" or "/dev/urandom";

    public override long Stat(string path, out HostStatx stat)
    {
        stat = default;
        using HostFile? device = HostCalls.Open(hostPath, OpenFlags.Path, out long error);
        return device == null ? error : HostCalls.Stat(device, out stat);
    }
}

/// <summary>A directory.</summary>
sealed class VirtualDirectory(Func<string, VirtualNode?> find, Func<IEnumerable<string>> names) : VirtualNode
{
    public override ushort Mode => (ushort)FileKind.Directory | 0x16D;

    public VirtualNode? Find(string name) => find(name);

    public IEnumerable<string> Names => names();
}
