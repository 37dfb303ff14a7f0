using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Process;

/// <summary>
/// How a thread waits: always by polling files of the host together with a counter of its own, so that a signal of the guest, or the end of
/// its process, wakes it.
/// </summary>
sealed partial class GuestThread
{
    public const long Forever = -1;
    public const int MonotonicClock = 1;

    /// <summary>Null for a thread that takes turns with others: it never waits.</summary>
    readonly HostFile? _wake;

    /// <summary>Ends a wait of this thread; it looks again at what it waits for.</summary>
    public void Wake()
    {
        lock (System.Lock)
        {
            if (!_cpuIsGone && _wake != null)
            {
                HostCalls.Count(_wake);
            }

            if (System.Turns is { IsTarget: false } turns)
            {
                turns.Wake();
            }
        }
    }

    /// <summary>Waits until a file is ready. Returns a negated error number otherwise: EAGAIN at once when it must not wait.</summary>
    public long WaitFor(HostOpenFile open, short events, bool isNonBlocking)
    {
        if (WaitsForHost(open))
        {
            return System.Turns!.WaitForHost(this, open.Host, events);
        }

        HostFile file = open.Host;
        bool added = false;
        file.DangerousAddRef(ref added);
        try
        {
            Span<HostPollEntry> entries = [new HostPollEntry(file.Descriptor, events, 0), default];
            long ready = Wait(entries, isNonBlocking ? 0 : Forever);
            return ready switch
            {
                0 => -Errno.EAGAIN,
                -Errno.EINTR => -Errno.ERESTARTSYS,
                _ => ready,
            };
        }
        finally
        {
            file.DangerousRelease();
        }
    }

    /// <summary>
    /// Whether a file is a standard stream of a program whose threads take turns. It counts as ready: what came when through a pipe or from a terminal would make a difference between runs.
    /// </summary>
    public bool WaitsForHost(OpenFile? file) => System.Turns is { IsTarget: false } && file is HostOpenFile { Stream: not null };

    /// <summary>Waits until a file is ready, the time is over (0), or there is a signal to handle (EINTR).</summary>
    /// <param name="entries">What to poll; the last entry is for this thread's own counter.</param>
    /// <param name="nanoseconds">How long, or <see cref="Forever"/>.</param>
    public long Wait(Span<HostPollEntry> entries, long nanoseconds)
    {
        if (System.Turns is { } turns && nanoseconds != 0)
        {
            long found = Wait(entries, 0);
            found = found != 0 ? found : MustHandleAttention() ? -Errno.EINTR : AwaitTurn(nanoseconds);
            _awaited = found == -Errno.EWAIT && !turns.IsTarget ? entries[..^1].ToArray() : [];
            return found;
        }

        long deadline = nanoseconds > 0 ? HostCalls.Nanoseconds(MonotonicClock) + nanoseconds : 0;
        while (true)
        {
            entries[^1] = new HostPollEntry(_wake?.Descriptor ?? -1, Poll.In, 0);
            long left = nanoseconds <= 0 ? nanoseconds : Math.Max(0, deadline - HostCalls.Nanoseconds(MonotonicClock));
            if (nanoseconds != 0 && MustHandleAttention())
            {
                // What is ready already counts more than the signal.
                left = 0;
            }

            long ready = HostCalls.Poll(entries, left);
            if (ready < 0)
            {
                return ready;
            }

            if (entries[^1].Returned != 0)
            {
                HostCalls.SetBack(_wake!);
                ready--;
            }

            if (ready > 0)
            {
                return ready;
            }

            if (nanoseconds != 0 && MustHandleAttention())
            {
                return -Errno.EINTR;
            }

            if (nanoseconds == 0 || nanoseconds > 0 && HostCalls.Nanoseconds(MonotonicClock) >= deadline)
            {
                return 0;
            }
        }
    }

    /// <summary>Waits until <paramref name="condition"/> holds (1), the time is over (0), or there is a signal to handle (EINTR).</summary>
    /// <param name="condition">Asked under the system's lock; who makes it true calls <see cref="Wake"/>.</param>
    /// <param name="nanoseconds">How long, or <see cref="Forever"/>.</param>
    public long WaitUntil(Func<bool> condition, long nanoseconds)
    {
        long deadline = nanoseconds > 0 ? HostCalls.Nanoseconds(MonotonicClock) + nanoseconds : 0;
        Span<HostPollEntry> entries = [default];
        while (true)
        {
            lock (System.Lock)
            {
                if (condition())
                {
                    return 1;
                }
            }

            if (MustHandleAttention())
            {
                return -Errno.EINTR;
            }

            if (System.Turns != null)
            {
                return AwaitTurn(nanoseconds);
            }

            long left = nanoseconds <= 0 ? nanoseconds : deadline - HostCalls.Nanoseconds(MonotonicClock);
            if (nanoseconds >= 0 && left <= 0)
            {
                return 0;
            }

            entries[0] = new HostPollEntry(_wake!.Descriptor, Poll.In, 0);
            HostCalls.Poll(entries, left);
            HostCalls.SetBack(_wake!);
        }
    }

    /// <summary>Waits for an end of the process that nothing else can interrupt, or for <paramref name="condition"/>.</summary>
    /// <param name="condition">Who makes it true calls <see cref="Wake"/>.</param>
    /// <param name="endsSoon">Everybody can stand still only after it.</param>
    public void WaitUninterrupted(Func<bool> condition, bool endsSoon = false)
    {
        Span<HostPollEntry> entries = [default];
        while (!condition() && Process.Status == null && !IsLeaving)
        {
            if (System.IsFreezing && !endsSoon)
            {
                System.StandStill(this);
                continue;
            }

            entries[0] = new HostPollEntry(_wake!.Descriptor, Poll.In, 0);
            HostCalls.Poll(entries, Forever);
            HostCalls.SetBack(_wake!);
        }
    }

    /// <summary>Tells threads that wait for the futexes that this one still holds.</summary>
    void ReleaseFutexes()
    {
        if (Process.Status == null || Process.Threads.Count > 1)
        {
            RobustFutexes.Release(this);
        }

        if (ClearOnExit != 0 && Process.Memory.TryWrite(ClearOnExit, 0))
        {
            System.Futexes.Wake(Process.Memory, ClearOnExit, 1, uint.MaxValue);
        }
    }
}
