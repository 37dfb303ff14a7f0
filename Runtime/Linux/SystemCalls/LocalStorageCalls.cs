using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Thread-local storage: the bases of FS and GS for x86-64, descriptors for i386; and what else a thread tells the kernel of itself.</summary>
static class LocalStorageCalls
{
    public static long ControlArchitecture(SystemCallContext c)
    {
        const int setGs = 0x1001, setFs = 0x1002, getFs = 0x1003, getGs = 0x1004;
        SegmentFile segments = c.Thread.Cpu.Segments;
        switch (c.Int(0))
        {
            case setFs or setGs when c[1] >= c.Memory.Abi.UserLimit:
                return -Errno.EPERM;
            case setFs:
                segments.Fs = segments.Fs with { Base = c[1], Selector = 0 };
                return 0;
            case setGs:
                segments.Gs = segments.Gs with { Base = c[1], Selector = 0 };
                return 0;
            case getFs:
                return c.Memory.TryWrite(c[1], segments.Fs.Base) ? 0 : -Errno.EFAULT;
            case getGs:
                return c.Memory.TryWrite(c[1], segments.Gs.Base) ? 0 : -Errno.EFAULT;
            default:
                return -Errno.EINVAL;
        }
    }

    public static long SetArea(SystemCallContext c)
    {
        if (!TryReadUser(c, c[0], out int entry, out ulong descriptor))
        {
            return -Errno.EFAULT;
        }

        ThreadDescriptors descriptors = c.Thread.Descriptors;
        if (entry == -1)
        {
            entry = descriptors.FindFree();
            if (entry < 0)
            {
                return -Errno.ESRCH;
            }

            if (!c.Memory.TryWrite(c[0], entry))
            {
                return -Errno.EFAULT;
            }
        }

        if (!IsValid(entry))
        {
            return -Errno.EINVAL;
        }

        descriptors[entry] = descriptor;
        descriptors.Install(c.Thread.Cpu);
        return 0;
    }

    public static long GetArea(SystemCallContext c)
    {
        if (!c.Memory.TryRead(c[0], out int entry))
        {
            return -Errno.EFAULT;
        }

        if (!IsValid(entry))
        {
            return -Errno.EINVAL;
        }

        (uint start, uint limit, uint flags) = SegmentDescriptor.Describe(c.Thread.Descriptors[entry]);
        StructWriter w = c.Struct(stackalloc byte[SegmentDescriptor.UserSize]);
        w.Int(entry);
        w.Int(start);
        w.Int(limit);
        w.Int(flags);
        return c.Write(c[0], w.Written);
    }

    /// <summary>CLONE_SETTLS: an address for x86-64, a user_desc for i386.</summary>
    public static bool SetForClone(SystemCallContext c, GuestThread child, ulong storage)
    {
        if (c.Abi.Is64)
        {
            child.Cpu.Segments.Fs = child.Cpu.Segments.Fs with { Base = storage, Selector = 0 };
            return storage < c.Memory.Abi.UserLimit;
        }

        if (!TryReadUser(c, storage, out int entry, out ulong descriptor) || !IsValid(entry))
        {
            return false;
        }

        child.Descriptors[entry] = descriptor;
        child.Descriptors.Install(child.Cpu);
        child.Descriptors.Reload(child.Cpu, entry);
        return true;
    }

    public static long SetClearAddress(SystemCallContext c)
    {
        c.Thread.ClearOnExit = c[0];
        return c.Thread.Id;
    }

    public static long SetRobustList(SystemCallContext c)
    {
        if (c[1] != 3 * (ulong)c.Abi.WordSize)
        {
            return -Errno.EINVAL;
        }

        c.Thread.RobustList = c[0];
        return 0;
    }

    static bool IsValid(int entry) => entry is >= ThreadDescriptors.First and < ThreadDescriptors.First + ThreadDescriptors.Count;

    static bool TryReadUser(SystemCallContext c, ulong address, out int entry, out ulong descriptor)
    {
        Span<byte> bytes = stackalloc byte[SegmentDescriptor.UserSize];
        bool read = c.Memory.TryRead(address, bytes);
        StructReader r = new(bytes, LinuxAbi.I386);
        entry = (int)r.Int();
        descriptor = SegmentDescriptor.Create(r.Int(), r.Int(), r.Int());
        return read;
    }
}
