using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Times in guest memory: two longs, or two 64-bit fields for the time64 calls of i386.</summary>
static class GuestTime
{
    const long NanosecondsPerSecond = 1_000_000_000, LongestSeconds = long.MaxValue / NanosecondsPerSecond - 1;

    /// <summary>Size of a struct timespec of the call.</summary>
    public static int Size(SystemCallContext c) => c.HasWideTime ? 16 : 8;

    public static bool TryRead(SystemCallContext c, ulong address, out HostTimespec time)
    {
        Span<byte> bytes = stackalloc byte[16];
        time = default;
        if (!c.Memory.TryRead(address, bytes[..Size(c)]))
        {
            return false;
        }

        // The padding of the 64-bit nanoseconds of i386 is not looked at.
        StructReader r = new(bytes, c.HasWideTime ? LinuxAbi.Amd64 : LinuxAbi.I386);
        long seconds = r.Long(), nanoseconds = r.Long();
        time = new HostTimespec(seconds, c.Abi.Is64 ? nanoseconds : (int)nanoseconds);
        return true;
    }

    public static long Write(SystemCallContext c, ulong address, HostTimespec time)
    {
        StructWriter w = new(stackalloc byte[16], c.HasWideTime ? LinuxAbi.Amd64 : LinuxAbi.I386);
        w.Word(time.Seconds);
        w.Word(time.Nanoseconds);
        return c.Write(address, w.Written);
    }

    public static long Write(SystemCallContext c, ulong address, long nanoseconds) =>
        Write(c, address, new HostTimespec(nanoseconds / NanosecondsPerSecond, nanoseconds % NanosecondsPerSecond));

    /// <summary>Reads a duration. Returns nanoseconds, or a negated error number.</summary>
    public static long ReadDuration(SystemCallContext c, ulong address)
    {
        if (!TryRead(c, address, out HostTimespec time))
        {
            return -Errno.EFAULT;
        }

        return time.Seconds < 0 || time.Nanoseconds is < 0 or >= NanosecondsPerSecond ? -Errno.EINVAL : ToNanoseconds(time);
    }

    /// <summary>Nanoseconds of a time that is not negative; the far future is cut off.</summary>
    public static long ToNanoseconds(HostTimespec time) => Math.Min(time.Seconds, LongestSeconds) * NanosecondsPerSecond + time.Nanoseconds;

    /// <summary>Puts a struct timeval (seconds and microseconds, longs) into a structure.</summary>
    public static void WriteTimeval(ref StructWriter w, long nanoseconds)
    {
        w.Word(nanoseconds / NanosecondsPerSecond);
        w.Word(nanoseconds % NanosecondsPerSecond / 1000);
    }

    /// <summary>Takes a struct timeval from a structure; -1 when it is not valid.</summary>
    public static long ReadTimeval(ref StructReader r)
    {
        long seconds = r.Long(), microseconds = r.Long();
        return seconds < 0 || microseconds is < 0 or >= 1_000_000 ? -1 : ToNanoseconds(new HostTimespec(seconds, microseconds * 1000));
    }
}
