using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>What a program asks about the system, and settings of a process that only it sees.</summary>
static class SystemInfoCalls
{
    const int RandomPiece = 1 << 16;

    public static long Name(SystemCallContext c)
    {
        const int machine = 4;
        StructWriter w = c.Struct(stackalloc byte[SystemName.Fields * SystemName.FieldSize]);
        for (int field = 0; field < SystemName.Fields; field++)
        {
            string text = field == machine ? c.Process.Abi.Machine : SystemName.Of(field);
            w.Bytes(PathText.ToBytes(text));
            w.PadTo((field + 1) * SystemName.FieldSize);
        }

        return c.Write(c[0], w.Written);
    }

    public static long Information(SystemCallContext c)
    {
        SystemInformation host = SystemInformation.Get();

        // In i386 memory is counted in pages when bytes would not fit.
        bool inPages = !c.Abi.Is64 && (host.TotalMemory | host.TotalSwap) > uint.MaxValue;
        uint unit = inPages ? (uint)AddressSpace.PageSize : 1;
        StructWriter w = c.Struct(stackalloc byte[112]);
        w.Word(host.Uptime);
        w.Word(host.Load1);
        w.Word(host.Load5);
        w.Word(host.Load15);
        foreach (ulong amount in (ReadOnlySpan<ulong>)[host.TotalMemory, host.FreeMemory, host.SharedMemory, host.BufferMemory, host.TotalSwap, host.FreeSwap])
        {
            w.Word(amount / unit);
        }

        w.Short((ushort)c.System.Processes.Count);
        w.Short(0);
        w.Word(0UL);
        w.Word(0UL);
        w.Int(unit);
        w.PadTo(c.Abi.Is64 ? 112 : 64);
        return c.Write(c[0], w.Written);
    }

    public static long Random(SystemCallContext c)
    {
        const uint nonBlocking = 1, random = 2, insecure = 4;
        if ((c.UInt(2) & ~(nonBlocking | random | insecure)) != 0)
        {
            return -Errno.EINVAL;
        }

        ulong size = Math.Min(c[1], int.MaxValue);
        byte[] bytes = new byte[(int)Math.Min(size, RandomPiece)];
        for (ulong done = 0; done < size;)
        {
            Span<byte> piece = bytes.AsSpan(0, (int)Math.Min(size - done, (ulong)bytes.Length));
            c.System.FillRandom(piece);
            if (!c.Memory.TryWrite(c[0] + done, piece))
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            done += (ulong)piece.Length;
        }

        return (long)size;
    }

    /// <summary>The guest has one CPU.</summary>
    public static long Cpu(SystemCallContext c) =>
        c[0] != 0 && c.WriteInt(c[0], 0) < 0 || c[1] != 0 && c.WriteInt(c[1], 0) < 0 ? -Errno.EFAULT : 0;

    public static long GetAffinity(SystemCallContext c)
    {
        int word = c.Abi.WordSize;
        if (c[1] < (ulong)word || c[1] % (ulong)word != 0)
        {
            return -Errno.EINVAL;
        }

        StructWriter w = c.Struct(stackalloc byte[8]);
        w.Word(1UL);
        return c.Memory.TryWrite(c[2], w.Written) ? word : -Errno.EFAULT;
    }

    public static long Yield(SystemCallContext c)
    {
        if (c.System.Turns is { } turns)
        {
            turns.Yield();
        }
        else
        {
            Thread.Yield();
        }

        return 0;
    }

    public static long GetScheduler(SystemCallContext c) => 0;

    /// <summary>Every thread has the one policy and the priority 0 that belongs to it.</summary>
    public static long SetScheduler(SystemCallContext c) => c.Int(1) == 0 ? 0 : -Errno.EPERM;

    public static long SchedulerParameters(SystemCallContext c) => c.WriteInt(c[1], 0);

    public static long SchedulerPriorities(SystemCallContext c) => c.Int(0) is 0 or 3 or 5 ? 0 : -Errno.EINVAL;

    /// <summary>getpriority returns 20 minus the nice value.</summary>
    public static long GetPriority(SystemCallContext c) => 20;

    public static long Umask(SystemCallContext c)
    {
        uint old = c.Process.Files.CreationMask;
        c.Process.Files.CreationMask = c.UInt(0) & 0x1FF;
        return old;
    }

    public static long Personality(SystemCallContext c) => c.UInt(0) is 0xFFFF_FFFF or 0 ? 0 : -Errno.EINVAL;

    public static long ControlProcess(SystemCallContext c)
    {
        const int setDeathSignal = 1, getDeathSignal = 2, getDumpable = 3, setDumpable = 4, setName = 15, getName = 16, readBoundingSet = 23;
        const int setTimerSlack = 29, setSubreaper = 36, getNoNewPrivileges = 39, setNoNewPrivileges = 38, setVma = 0x53564D41;
        switch (c.Int(0))
        {
            case setName:
                const int longest = 15;
                long error = c.Memory.ReadString(c[1], longest, Errno.ENAMETOOLONG, out byte[] name);
                if (error == -Errno.ENAMETOOLONG)
                {
                    name = new byte[longest];
                    error = c.Memory.TryRead(c[1], name) ? 0 : -Errno.EFAULT;
                }

                c.Process.Name = error < 0 ? c.Process.Name : PathText.FromBytes(name);
                return error;
            case getName:
                byte[] answer = new byte[16];
                PathText.ToBytes(c.Process.Name, answer);
                return c.Write(c[1], answer);
            case getDeathSignal:
                return c.WriteInt(c[1], 0);
            case getDumpable or getNoNewPrivileges or readBoundingSet:
                return 0;
            case setDeathSignal or setDumpable or setTimerSlack or setSubreaper or setNoNewPrivileges or setVma:
                return 0;
            default:
                return -Errno.EINVAL;
        }
    }

    public static long GetLimit(SystemCallContext c) => WriteLimit(c, c.Int(0), c[1], c.Abi.Is64);

    public static long SetLimit(SystemCallContext c)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!c.Memory.TryRead(c[1], bytes[..(2 * c.Abi.WordSize)]))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(bytes);
        return SetLimit(c, c.Int(0), Widen(c, r.Word()), Widen(c, r.Word()));
    }

    public static long Limit64(SystemCallContext c)
    {
        if (c.Int(0) != 0 && c.Int(0) != c.Process.Id)
        {
            return -Errno.ESRCH;
        }

        (ulong Current, ulong Maximum) wish = default;
        if (c[2] != 0 && (!c.Memory.TryRead(c[2], out wish.Current) || !c.Memory.TryRead(c[2] + 8, out wish.Maximum)))
        {
            return -Errno.EFAULT;
        }

        if (c[3] != 0 && WriteLimit(c, c.Int(1), c[3], true) is < 0 and long error)
        {
            return error;
        }

        return c[2] == 0 ? 0 : SetLimit(c, c.Int(1), wish.Current, wish.Maximum);
    }

    static long SetLimit(SystemCallContext c, int resource, ulong current, ulong maximum)
    {
        if ((uint)resource >= ResourceLimits.Count || current > maximum)
        {
            return -Errno.EINVAL;
        }

        if (maximum > c.Process.Limits[resource].Maximum)
        {
            return -Errno.EPERM;
        }

        c.Process.Limits[resource] = (current, maximum);
        return 0;
    }

    static long WriteLimit(SystemCallContext c, int resource, ulong address, bool isWide)
    {
        if ((uint)resource >= ResourceLimits.Count)
        {
            return -Errno.EINVAL;
        }

        (ulong current, ulong maximum) = c.Process.Limits[resource];
        StructWriter w = new(stackalloc byte[16], isWide ? LinuxAbi.Amd64 : LinuxAbi.I386);
        w.Word(isWide ? current : Math.Min(current, uint.MaxValue));
        w.Word(isWide ? maximum : Math.Min(maximum, uint.MaxValue));
        return c.Write(address, w.Written);
    }

    static ulong Widen(SystemCallContext c, ulong value) => !c.Abi.Is64 && value == uint.MaxValue ? ResourceLimits.Infinite : value;
}
