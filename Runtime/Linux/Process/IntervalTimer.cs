using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Process;

/// <summary>ITIMER_REAL: sends SIGALRM (setitimer, alarm). In the time of the host, or, where threads take turns, of the guest.</summary>
sealed class IntervalTimer(GuestProcess process) : IStateful, IDisposable
{
    const int MonotonicClock = 1;
    readonly Lock _lock = new();
    Timer? _timer;
    ClockTimer? _guestTimer;
    long _due;
    long _interval;

    /// <summary>Starts the timer, or stops it when <paramref name="delay"/> is 0; returns what was set: time left and interval.</summary>
    public (long Left, long Interval) Set(long delay, long interval)
    {
        lock (_lock)
        {
            (long Left, long Interval) old = Get();
            _timer?.Dispose();
            _timer = null;
            _guestTimer?.Cancel();
            _interval = interval;
            _due = delay == 0 ? 0 : Later(Now, delay);
            if (delay != 0 && process.System is { Turns: not null, Options.Clock: { } clock })
            {
                _guestTimer ??= clock.CreateTimer(Fire);
                _guestTimer.Set(Later(clock.Now, delay));
            }
            else if (delay != 0)
            {
                _timer = new Timer(_ => Fire(), null, Milliseconds(delay), Timeout.InfiniteTimeSpan);
            }

            return old;
        }
    }

    /// <summary>Time left and interval, in nanoseconds.</summary>
    public (long Left, long Interval) Get()
    {
        lock (_lock)
        {
            return (_due == 0 ? 0 : Math.Max(1000, _due - Now), _interval);
        }
    }

    /// <summary>When it is due in the time of the guest, or never.</summary>
    public long Due => _guestTimer?.Deadline ?? long.MaxValue;

    /// <summary>For when time has been let pass.</summary>
    public void FireIfDue()
    {
        if (_guestTimer is { IsSet: true } timer && timer.Deadline <= Now)
        {
            timer.Cancel();
            Fire();
        }
    }

    public void Transfer(StateTransfer state)
    {
        (long left, long interval) = Get();
        (left, interval) = (state.Value(left), state.Value(interval));
        state.Require(left >= 0 && interval >= 0);
        if (state.IsRestoring)
        {
            Set(left, interval);
        }
    }

    /// <summary>To the nanosecond of the guest's clock.</summary>
    public void TransferExactly(StateTransfer state)
    {
        state.Value(ref _due, 0, long.MaxValue);
        state.Timer(_guestTimer ??= process.System.Options.Clock!.CreateTimer(Fire));
    }

    public void Dispose() => Set(0, 0);

    long Now => process.System.Turns != null ? process.System.Nanoseconds(MonotonicClock) : HostCalls.Nanoseconds(MonotonicClock);

    void Fire()
    {
        lock (_lock)
        {
            if (_timer == null && _guestTimer == null)
            {
                return;
            }

            _due = _interval == 0 ? 0 : Later(Now, _interval);
            if (_interval != 0 && _guestTimer != null)
            {
                _guestTimer.Set(Later(process.System.Options.Clock!.Now, _interval));
            }
            else if (_interval != 0)
            {
                _timer!.Change(Milliseconds(_interval), Timeout.InfiniteTimeSpan);
            }
        }

        process.Post(new SignalInfo(Signal.SIGALRM, SignalInfo.Kernel));
    }

    /// <summary>Before what stands for "never".</summary>
    static long Later(long time, long delay) => time + Math.Min(delay, long.MaxValue - 1 - time);

    static TimeSpan Milliseconds(long nanoseconds) => TimeSpan.FromMilliseconds(Math.Min((nanoseconds + 999_999) / 1_000_000, uint.MaxValue - 2));
}
