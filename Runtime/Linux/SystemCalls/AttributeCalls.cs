using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Calls that change what a file is: mode, owner, times, length.</summary>
static class AttributeCalls
{
    const long NanosecondsNow = 0x3FFF_FFFF, NanosecondsOmit = 0x3FFF_FFFE;

    public static long ChangeMode(SystemCallContext c) => ChangeMode(c, -1, 0, c.UInt(1));

    public static long ChangeModeAt(SystemCallContext c) => ChangeMode(c, 0, 1, c.UInt(2));

    public static long ChangeFileMode(SystemCallContext c) => OnFile(c, host => HostCalls.Result(Libc.ChangeMode(host, c.UInt(1) & 0xFFF)));

    public static long ChangeOwner(SystemCallContext c) => ChangeOwner(c, -1, 0, c.UInt(1), c.UInt(2), true);

    public static long ChangeLinkOwner(SystemCallContext c) => ChangeOwner(c, -1, 0, c.UInt(1), c.UInt(2), false);

    public static long ChangeFileOwner(SystemCallContext c) =>
        OnFile(c, host => HostCalls.Result(Libc.ChangeOwnerAt(host, "", c.UInt(1), c.UInt(2), HostCalls.EmptyPath)));

    public static long ChangeOwnerAt(SystemCallContext c)
    {
        if (c.Int(4) == HostCalls.EmptyPath && c.ReadPath(1, out string path) >= 0 && path.Length == 0)
        {
            return OnFile(c, host => HostCalls.Result(Libc.ChangeOwnerAt(host, "", c.UInt(2), c.UInt(3), HostCalls.EmptyPath)));
        }

        return ChangeOwner(c, 0, 1, c.UInt(2), c.UInt(3), (c.Int(4) & HostCalls.SymlinkNoFollow) == 0);
    }

    /// <summary>The first chown of i386 has 16-bit numbers; -1 keeps its meaning.</summary>
    public static long ChangeOwner16(SystemCallContext c) => ChangeOwner(c, -1, 0, Widen(c.UInt(1)), Widen(c.UInt(2)), true);

    public static long ChangeLinkOwner16(SystemCallContext c) => ChangeOwner(c, -1, 0, Widen(c.UInt(1)), Widen(c.UInt(2)), false);

    public static long ChangeFileOwner16(SystemCallContext c) =>
        OnFile(c, host => HostCalls.Result(Libc.ChangeOwnerAt(host, "", Widen(c.UInt(1)), Widen(c.UInt(2)), HostCalls.EmptyPath)));

    public static long Truncate(SystemCallContext c) => Truncate(c, c.Long(1));

    public static long Truncate64(SystemCallContext c) => Truncate(c, c.Wide(1));

    public static long TruncateFile(SystemCallContext c) => TruncateFile(c, c.Long(1));

    public static long TruncateFile64(SystemCallContext c) => TruncateFile(c, c.Wide(1));

    public static long Allocate(SystemCallContext c) =>
        OnFile(c, host => HostCalls.Result(Libc.Allocate(host, c.Int(1), c.Wide(2), c.Wide(2 + c.WideSize))), needsWriting: true);

    public static long Synchronize(SystemCallContext c) =>
        c.File(0) is not { } file ? -Errno.EBADF : file.Host is { } host ? HostCalls.Result(Libc.Synchronize(host)) : -Errno.EINVAL;

    /// <summary>Advice and wishes about caches, which change nothing a program could see.</summary>
    public static long Advise(SystemCallContext c) => c.File(0) is not { } file ? -Errno.EBADF : file.MayWait ? -Errno.ESPIPE : 0;

    public static long Nothing(SystemCallContext c) => 0;

    /// <summary>Extended attributes are not passed on: to a program, the file system has none.</summary>
    public static long NoExtendedAttributes(SystemCallContext c) => -Errno.EOPNOTSUPP;

    public static long SetTimes(SystemCallContext c)
    {
        HostTimespec access = new(0, NanosecondsNow), modification = access;
        if (c[1] != 0)
        {
            Span<byte> bytes = stackalloc byte[16];
            if (!c.Memory.TryRead(c[1], bytes[..(2 * c.Abi.WordSize)]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            access = new HostTimespec(r.Long(), 0);
            modification = new HostTimespec(r.Long(), 0);
        }

        return SetTimes(c, -1, 0, new HostTimes(access, modification), true);
    }

    public static long SetTimesMicroseconds(SystemCallContext c) => SetTimesMicroseconds(c, -1, 0, 1);

    public static long SetTimesMicrosecondsAt(SystemCallContext c) => SetTimesMicroseconds(c, 0, 1, 2);

    public static long SetTimesAt(SystemCallContext c)
    {
        HostTimespec access = new(0, NanosecondsNow), modification = access;
        if (c[2] != 0 && (!GuestTime.TryRead(c, c[2], out access) || !GuestTime.TryRead(c, c[2] + (ulong)GuestTime.Size(c), out modification)))
        {
            return -Errno.EFAULT;
        }

        if (!IsValid(access) || !IsValid(modification))
        {
            return -Errno.EINVAL;
        }

        HostTimes times = new(access, modification);
        return c[1] == 0
            ? OnFile(c, host => HostCalls.Result(Libc.SetTimes(host, times)))
            : SetTimes(c, 0, 1, times, (c.Int(3) & HostCalls.SymlinkNoFollow) == 0);
    }

    static bool IsValid(HostTimespec time) => time.Nanoseconds is >= 0 and < 1_000_000_000 or NanosecondsNow or NanosecondsOmit;

    static long SetTimesMicroseconds(SystemCallContext c, int directoryIndex, int pathIndex, int timesIndex)
    {
        HostTimespec access = new(0, NanosecondsNow), modification = access;
        if (c[timesIndex] != 0)
        {
            Span<byte> bytes = stackalloc byte[32];
            if (!c.Memory.TryRead(c[timesIndex], bytes[..(4 * c.Abi.WordSize)]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            access = new HostTimespec(r.Long(), r.Long() * 1000);
            modification = new HostTimespec(r.Long(), r.Long() * 1000);
            if (!IsValid(access) || !IsValid(modification))
            {
                return -Errno.EINVAL;
            }
        }

        return SetTimes(c, directoryIndex, pathIndex, new HostTimes(access, modification), true);
    }

    static long SetTimes(SystemCallContext c, int directoryIndex, int pathIndex, HostTimes times, bool followLast) =>
        DirectoryCalls.Change(c, directoryIndex, pathIndex, followLast, false, location =>
            HostCalls.Result(Libc.SetTimesAt(location.Directory!, location.Name, times, HostCalls.SymlinkNoFollow)));

    static long ChangeMode(SystemCallContext c, int directoryIndex, int pathIndex, uint mode) =>
        DirectoryCalls.Change(c, directoryIndex, pathIndex, true, false, location =>
        {
            using HostFile? file = HostCalls.OpenAt(location.Directory!, location.Name, OpenFlags.Path, 0, out long error);
            return file == null ? error : HostCalls.Result(Libc.ChangeMode(file.MagicPath, mode & 0xFFF));
        });

    static long ChangeOwner(SystemCallContext c, int directoryIndex, int pathIndex, uint user, uint group, bool followLast) =>
        DirectoryCalls.Change(c, directoryIndex, pathIndex, followLast, false, location =>
            HostCalls.Result(Libc.ChangeOwnerAt(location.Directory!, location.Name, user, group, HostCalls.SymlinkNoFollow)));

    static long Truncate(SystemCallContext c, long length) =>
        length < 0
            ? -Errno.EINVAL
            : DirectoryCalls.Change(c, -1, 0, true, false, location =>
            {
                using HostFile? file = HostCalls.OpenAt(location.Directory!, location.Name, OpenFlags.WriteOnly | OpenFlags.NonBlocking, 0, out long error);
                return file == null ? error : HostCalls.Result(Libc.Truncate(file, length));
            });

    static long TruncateFile(SystemCallContext c, long length) =>
        length < 0 ? -Errno.EINVAL : OnFile(c, host => HostCalls.Result(Libc.Truncate(host, length)), needsWriting: true);

    /// <summary>Changes an open file. A read-only system lets a program change only what it has open for writing, which was given to it.</summary>
    static long OnFile(SystemCallContext c, Func<HostFile, long> change, bool needsWriting = false)
    {
        OpenFile? file = c.File(0);
        if (file == null || needsWriting && !file.IsWritable)
        {
            return file == null ? -Errno.EBADF : -Errno.EINVAL;
        }

        if (file.Host == null)
        {
            return -Errno.EPERM;
        }

        // A descriptor that may be written, as a standard stream or /dev/null, gives no right to the file's mode, owner and times.
        return c.System.Options.IsWritable || needsWriting ? change(file.Host) : -Errno.EROFS;
    }

    static uint Widen(uint id) => (ushort)id == ushort.MaxValue ? uint.MaxValue : (ushort)id;
}
