using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Abi;

/// <summary>Writes what statx says in the older stat structures. False: a value does not fit (EOVERFLOW).</summary>
delegate bool StatLayout(ref StructWriter writer, in HostStatx stat);

/// <summary>The stat structures (arch/x86/include/uapi/asm/stat.h).</summary>
static class StatLayouts
{
    /// <summary>struct stat of x86-64.</summary>
    public static bool Amd64(ref StructWriter w, in HostStatx s)
    {
        w.Wide(Device(s.DeviceMajor, s.DeviceMinor));
        w.Wide(s.Inode);
        w.Wide(s.Links);
        w.Int(s.Mode);
        w.Int(s.User);
        w.Int(s.Group);
        w.Int(0);
        w.Wide(Device(s.RawDeviceMajor, s.RawDeviceMinor));
        w.Wide(s.Size);
        w.Wide(s.BlockSize);
        w.Wide(s.Blocks);
        Times(ref w, s);
        w.PadTo(144);
        return true;
    }

    /// <summary>struct stat64 of i386.</summary>
    public static bool I386Large(ref StructWriter w, in HostStatx s)
    {
        w.Wide(Device(s.DeviceMajor, s.DeviceMinor));
        w.Int(0);
        w.Int((uint)s.Inode);
        w.Int(s.Mode);
        w.Int(s.Links);
        w.Int(s.User);
        w.Int(s.Group);
        w.Wide(Device(s.RawDeviceMajor, s.RawDeviceMinor));
        w.Int(0);
        w.Wide(s.Size);
        w.Int(s.BlockSize);
        w.Wide(s.Blocks);
        Times(ref w, s);
        w.Wide(s.Inode);
        return true;
    }

    /// <summary>struct stat of i386.</summary>
    public static bool I386(ref StructWriter w, in HostStatx s)
    {
        w.Int((uint)Device(s.DeviceMajor, s.DeviceMinor));
        w.Int((uint)s.Inode);
        w.Short(s.Mode);
        w.Short((ushort)s.Links);
        w.Short((ushort)s.User);
        w.Short((ushort)s.Group);
        w.Int((uint)Device(s.RawDeviceMajor, s.RawDeviceMinor));
        w.Int((uint)s.Size);
        w.Int(s.BlockSize);
        w.Int((uint)s.Blocks);
        Times(ref w, s);
        w.PadTo(64);
        return Fits(s) && s.Inode <= uint.MaxValue;
    }

    /// <summary>The structure of the first stat call of i386.</summary>
    public static bool I386Old(ref StructWriter w, in HostStatx s)
    {
        w.Short((ushort)Device(s.DeviceMajor, s.DeviceMinor));
        w.Short((ushort)s.Inode);
        w.Short(s.Mode);
        w.Short((ushort)s.Links);
        w.Short((ushort)s.User);
        w.Short((ushort)s.Group);
        w.Short((ushort)Device(s.RawDeviceMajor, s.RawDeviceMinor));
        w.Int((uint)s.Size);
        w.Int((uint)s.AccessTime.Seconds);
        w.Int((uint)s.ModificationTime.Seconds);
        w.Int((uint)s.ChangeTime.Seconds);
        return Fits(s) && s.Inode <= ushort.MaxValue;
    }

    /// <summary>A device number as user space encodes it (new_encode_dev).</summary>
    public static ulong Device(uint major, uint minor) => minor & 0xFF | (ulong)major << 8 | (ulong)(minor & ~0xFFu) << 12;

    static bool Fits(in HostStatx s) => s.Size <= int.MaxValue;

    static void Times(ref StructWriter w, in HostStatx s)
    {
        Time(ref w, s.AccessTime);
        Time(ref w, s.ModificationTime);
        Time(ref w, s.ChangeTime);
    }

    static void Time(ref StructWriter w, StatxTime time)
    {
        w.Word(time.Seconds);
        w.Word(time.Nanoseconds);
    }
}
