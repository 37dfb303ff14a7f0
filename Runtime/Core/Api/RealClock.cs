using System.Diagnostics;

namespace FastVcpu;

/// <summary>The host's time. Timers elapse on a thread of the clock, which lives while there are any; they are not early, and about a millisecond late.</summary>
public sealed class RealClock : Clock
{
    /// <summary>How long the thread waits for another timer before it ends.</summary>
    const long LingerTime = NanosecondsPerSecond;

    const long NanosecondsPerMillisecond = 1_000_000;

    const long Runs = -1;

    /// <summary>Time of the clock minus that of the host.</summary>
    long offset;

    /// <summary>The time at which the clock stands, or <see cref="Runs"/>.</summary>
    long standsAt = Runs;

    bool hasThread;

    /// <summary>Creates a clock that stands at zero now.</summary>
    public RealClock() => offset = -HostTime;

    /// <summary>What the vCPUs of programs share.</summary>
    internal static RealClock Shared { get; } = new();

    /// <inheritdoc/>
    public override long Now => Volatile.Read(ref standsAt) is var time and not Runs ? time : HostTime + Volatile.Read(ref offset);

    internal override long ShortestPeriod => 100_000;

    static long HostTime =>
        Stopwatch.Frequency == NanosecondsPerSecond ? Stopwatch.GetTimestamp() : (long)(Stopwatch.GetTimestamp() * (NanosecondsPerSecond / (double)Stopwatch.Frequency));

    private protected override void Change(bool isPaused, long? time)
    {
        lock (gate)
        {
            long now = time ?? Now;
            Volatile.Write(ref offset, now - HostTime);
            Volatile.Write(ref standsAt, isPaused ? now : Runs);
            IsPaused = isPaused;
            Monitor.PulseAll(gate);
        }
    }

    private protected override void DeadlineComesNearer()
    {
        if (hasThread)
        {
            Monitor.PulseAll(gate);
            return;
        }
        hasThread = true;
        new Thread(ServeTimers) { IsBackground = true, Name = "FastVcpu clock" }.Start();
    }

    void ServeTimers()
    {
        while (WaitForTimer() is { } timer)
        {
            timer.Elapse();
        }
    }

    /// <summary>Waits until a timer is due; null when there has been none for a while.</summary>
    ClockTimer? WaitForTimer()
    {
        lock (gate)
        {
            long idleSince = HostTime;
            while (true)
            {
                if (TakeDue() is { } due)
                {
                    return due;
                }
                bool isIdle = IsPaused || NextDeadline == Never;
                long wait = isIdle ? idleSince + LingerTime - HostTime : NextDeadline - Now;
                if (isIdle && wait <= 0 && NextDeadline == Never)
                {
                    hasThread = false;
                    return null;
                }
                Monitor.Wait(gate, (int)Math.Clamp((wait + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond, 1, LingerTime / NanosecondsPerMillisecond));
            }
        }
    }
}
