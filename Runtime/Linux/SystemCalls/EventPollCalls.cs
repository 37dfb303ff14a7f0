using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>epoll, by an epoll instance of the host.</summary>
static class EventPollCalls
{
    const int MaxEvents = 1024;

    public static long Create(SystemCallContext c) => c.Int(0) <= 0 ? -Errno.EINVAL : Create(c, false);

    public static long Create1(SystemCallContext c)
    {
        bool isValid = (c.Int(0) & ~(int)OpenFlags.CloseOnExec) == 0;
        return isValid ? Create(c, c.Int(0) != 0) : -Errno.EINVAL;
    }

    public static long Control(SystemCallContext c)
    {
        const int delete = 2;
        OpenFile? file = c.File(2);
        if (c.File(0) == null || file == null)
        {
            return -Errno.EBADF;
        }

        if (c.File(0) is not EventPollFile poll || poll == file)
        {
            return -Errno.EINVAL;
        }

        Span<byte> wish = stackalloc byte[EventPollFile.GuestEventSize];
        wish.Clear();
        return c.Int(1) != delete && !c.Memory.TryRead(c[3], wish) ? -Errno.EFAULT
            : file.Host == null ? -Errno.EPERM
            : poll.Control(c.Int(1), c.Int(2), file, wish);
    }

    public static long Wait(SystemCallContext c)
    {
        int milliseconds = c.Int(3);
        return Wait(c, milliseconds < 0 ? GuestThread.Forever : milliseconds * 1_000_000L);
    }

    public static long WaitMasked(SystemCallContext c)
    {
        long result = PollCalls.SetMask(c, c[4], c[5]);
        return result < 0 ? result : Wait(c);
    }

    public static long WaitMasked2(SystemCallContext c)
    {
        long duration = c[3] == 0 ? GuestThread.Forever : GuestTime.ReadDuration(c, c[3]);
        long result = c[3] != 0 && duration < 0 ? duration : PollCalls.SetMask(c, c[4], c[5]);
        return result < 0 ? result : Wait(c, duration);
    }

    static long Create(SystemCallContext c, bool closeOnExec)
    {
        HostFile? poll = HostCalls.EventPoll(out long error);
        return poll == null ? error : c.Process.Descriptors.Add(new EventPollFile(poll), closeOnExec);
    }

    static long Wait(SystemCallContext c, long duration)
    {
        if (c.File(0) is not EventPollFile poll)
        {
            return c.File(0) == null ? -Errno.EBADF : -Errno.EINVAL;
        }

        if (c.Int(2) <= 0)
        {
            return -Errno.EINVAL;
        }

        byte[] events = new byte[Math.Min(c.Int(2), MaxEvents) * EventPollFile.GuestEventSize];
        Span<HostPollEntry> entries = [new HostPollEntry(poll.Host.Descriptor, Files.Poll.In, 0), default];
        long ready = c.Thread.Wait(entries, duration);
        ready = ready > 0 ? poll.Take(events) : ready;

        // epoll_wait is never made again by the kernel.
        return ready <= 0 || c.Memory.TryWrite(c[1], events.AsSpan(0, (int)ready * EventPollFile.GuestEventSize)) ? ready : -Errno.EFAULT;
    }
}
