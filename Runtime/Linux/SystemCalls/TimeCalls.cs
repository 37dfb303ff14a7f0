using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Clocks, sleeping, the alarm timer, CPU times.</summary>
static class TimeCalls
{
    const int RealTime = 0, Monotonic = 1, ProcessCpu = 2, ThreadCpu = 3, LastClock = 11, TaiClock = 11;
    const int AbsoluteTime = 1;
    const long NanosecondsPerTick = 10_000_000;

    public static long Time(SystemCallContext c)
    {
        long seconds = c.System.Nanoseconds(RealTime) / 1_000_000_000;
        StructWriter w = c.Struct(stackalloc byte[8]);
        w.Word(seconds);
        return c[0] == 0 || c.Memory.TryWrite(c[0], w.Written) ? seconds : -Errno.EFAULT;
    }

    public static long TimeOfDay(SystemCallContext c)
    {
        StructWriter w = c.Struct(stackalloc byte[16]);
        GuestTime.WriteTimeval(ref w, c.System.Nanoseconds(RealTime));
        long result = c[0] == 0 ? 0 : c.Write(c[0], w.Written);
        return result < 0 || c[1] == 0 ? result : c.Write(c[1], new byte[8]);
    }

    public static long GetClock(SystemCallContext c)
    {
        long result = Read(c, c.Int(0), out HostTimespec now);
        return result < 0 ? result : GuestTime.Write(c, c[1], now);
    }

    public static long GetResolution(SystemCallContext c)
    {
        HostTimespec resolution = new(0, 1);
        long result = (uint)c.Int(0) <= LastClock ? HostCalls.Result(Libc.GetResolution(c.Int(0), out resolution)) : Read(c, c.Int(0), out _);
        return result < 0 || c[1] == 0 ? result : GuestTime.Write(c, c[1], resolution);
    }

    public static long Sleep(SystemCallContext c)
    {
        long duration = GuestTime.ReadDuration(c, c[0]);
        return duration < 0 ? duration : Sleep(c, duration, c[1]);
    }

    public static long ClockSleep(SystemCallContext c)
    {
        long wanted = GuestTime.ReadDuration(c, c[2]);
        if (wanted < 0)
        {
            return wanted;
        }

        if ((c.Int(1) & AbsoluteTime) == 0)
        {
            return c.Int(0) == ThreadCpu ? -Errno.EINVAL : Sleep(c, wanted, c[3]);
        }

        long result = Read(c, c.Int(0), out HostTimespec now);
        return result < 0 ? result : Sleep(c, Math.Max(0, wanted - GuestTime.ToNanoseconds(now)), 0);
    }

    public static long Alarm(SystemCallContext c)
    {
        (long left, _) = c.Process.Timer.Set(c.UInt(0) * 1_000_000_000L, 0);
        return (left + 999_999_999) / 1_000_000_000;
    }

    public static long SetTimer(SystemCallContext c)
    {
        const int real = 0;
        long delay = 0, interval = 0;
        if (c[1] != 0)
        {
            Span<byte> bytes = stackalloc byte[32];
            if (!c.Memory.TryRead(c[1], bytes[..(4 * c.Abi.WordSize)]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            interval = GuestTime.ReadTimeval(ref r);
            delay = GuestTime.ReadTimeval(ref r);
        }

        if (delay < 0 || interval < 0 || c.Int(0) is < 0 or > 2)
        {
            return -Errno.EINVAL;
        }

        if (c.Int(0) != real)
        {
            // Timers of CPU time are not served.
            return -Errno.ENOSYS;
        }

        (long left, long oldInterval) = c.Process.Timer.Set(delay, interval);
        return c[2] == 0 ? 0 : WriteTimer(c, c[2], left, oldInterval);
    }

    public static long GetTimer(SystemCallContext c)
    {
        (long left, long interval) = c.Int(0) == 0 ? c.Process.Timer.Get() : (0, 0);
        return (uint)c.Int(0) > 2 ? -Errno.EINVAL : WriteTimer(c, c[1], left, interval);
    }

    public static long Times(SystemCallContext c)
    {
        StructWriter w = c.Struct(stackalloc byte[32]);
        w.Word(UsedTime(c) / NanosecondsPerTick);
        w.Word(0UL);
        w.Word(c.Process.Usage.ChildNanoseconds / NanosecondsPerTick);
        w.Word(0UL);
        long ticks = c.System.Nanoseconds(Monotonic) / NanosecondsPerTick;
        return c[0] == 0 || c.Memory.TryWrite(c[0], w.Written) ? ticks & int.MaxValue : -Errno.EFAULT;
    }

    public static long Usage(SystemCallContext c)
    {
        const int children = -1, self = 0, thread = 1;
        long time = c.Int(0) switch
        {
            self => UsedTime(c),
            children => c.Process.Usage.ChildNanoseconds,
            thread => c.System.Nanoseconds(ThreadCpu),
            _ => -1,
        };
        return time < 0 ? -Errno.EINVAL : WriteUsage(c, c[1], time);
    }

    /// <summary>struct rusage: user time; nothing else is counted.</summary>
    public static long WriteUsage(SystemCallContext c, ulong address, long nanoseconds)
    {
        const int longsBehindTimes = 14;
        StructWriter w = c.Struct(stackalloc byte[144]);
        GuestTime.WriteTimeval(ref w, nanoseconds);
        GuestTime.WriteTimeval(ref w, 0);
        for (int i = 0; i < longsBehindTimes; i++)
        {
            w.Word(0UL);
        }

        return c.Write(address, w.Written);
    }

    /// <summary>CPU time of the process; with a clock of its own, all time.</summary>
    static long UsedTime(SystemCallContext c) => c.System.Options.Clock is InstructionClock ? c.System.Nanoseconds(ProcessCpu) : c.Process.Usage.Nanoseconds;

    static long WriteTimer(SystemCallContext c, ulong address, long left, long interval)
    {
        StructWriter w = c.Struct(stackalloc byte[32]);
        GuestTime.WriteTimeval(ref w, interval);
        GuestTime.WriteTimeval(ref w, left);
        return c.Write(address, w.Written);
    }

    static long Sleep(SystemCallContext c, long duration, ulong remainder)
    {
        long start = c.System.Nanoseconds(Monotonic), waited = c.Thread.WaitUntil(() => false, duration);
        if (waited is 0 or -Errno.EWAIT)
        {
            return waited;
        }

        long end = c.Thread.Deadline ?? start + duration, left = Math.Max(0, end - c.System.Nanoseconds(Monotonic));
        if (remainder != 0 && GuestTime.Write(c, remainder, left) < 0)
        {
            return -Errno.EFAULT;
        }

        return -Errno.ERESTARTNOHAND;
    }

    static long Read(SystemCallContext c, int clock, out HostTimespec now)
    {
        now = default;
        if (clock == ProcessCpu && c.System.Options.Clock is not InstructionClock)
        {
            now = new HostTimespec(UsedTime(c) / 1_000_000_000, UsedTime(c) % 1_000_000_000);
            return 0;
        }

        // Clocks of other processes (negative numbers) would be those of the host.
        if (clock is < 0 or > TaiClock || c.System.Options.Clock is not InstructionClock && HostCalls.Result(Libc.GetTime(clock, out _)) < 0)
        {
            return -Errno.EINVAL;
        }

        long time = c.System.Nanoseconds(clock);
        now = new HostTimespec(time / 1_000_000_000, time % 1_000_000_000);
        return 0;
    }
}
