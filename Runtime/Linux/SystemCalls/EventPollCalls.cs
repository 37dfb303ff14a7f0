using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>epoll, by an epoll instance of the host; what a program stores with a descriptor goes through unchanged.</summary>
static class EventPollCalls
{
    const int GuestEventSize = 12, MaxEvents = 1024;

    /// <summary>struct epoll_event is packed in x86 only.</summary>
    static int HostEventSize => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? GuestEventSize : 16;

    public static long Create(SystemCallContext c) => c.Int(0) <= 0 ? -Errno.EINVAL : Create(c, false);

    public static long Create1(SystemCallContext c)
    {
        bool isValid = (c.Int(0) & ~(int)OpenFlags.CloseOnExec) == 0;
        return isValid ? Create(c, c.Int(0) != 0) : -Errno.EINVAL;
    }

    public static long Control(SystemCallContext c)
    {
        const int delete = 2;
        OpenFile? poll = c.File(0), file = c.File(2);
        if (poll?.Host == null || file == null)
        {
            return -Errno.EBADF;
        }

        Span<byte> guest = stackalloc byte[GuestEventSize];
        guest.Clear();
        if (c.Int(1) != delete && !c.Memory.TryRead(c[3], guest))
        {
            return -Errno.EFAULT;
        }

        Span<byte> host = stackalloc byte[16];
        guest[..4].CopyTo(host);
        guest[4..].CopyTo(host[(HostEventSize - 8)..]);
        return file.Host == null ? -Errno.EPERM : HostCalls.Result(Libc.ControlEventPoll(poll.Host, c.Int(1), file.Host, host));
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
        return poll == null ? error : c.Process.Descriptors.Add(new HostOpenFile(poll, "anon_inode:[eventpoll]", OpenFlags.ReadWrite), closeOnExec);
    }

    static long Wait(SystemCallContext c, long duration)
    {
        if (c.File(0)?.Host is not { } poll)
        {
            return -Errno.EBADF;
        }

        if (c.Int(2) <= 0)
        {
            return -Errno.EINVAL;
        }

        int count = Math.Min(c.Int(2), MaxEvents);
        byte[] host = new byte[count * HostEventSize];
        Span<HostPollEntry> entries = [new HostPollEntry(poll.Descriptor, Files.Poll.In, 0), default];
        long ready = c.Thread.Wait(entries, duration);
        ready = ready > 0 ? HostCalls.Result(Libc.WaitEventPoll(poll, host, count, 0)) : ready;
        if (ready <= 0)
        {
            // epoll_wait is never made again by the kernel.
            return ready;
        }

        byte[] guest = new byte[ready * GuestEventSize];
        for (int i = 0; i < ready; i++)
        {
            ReadOnlySpan<byte> source = host.AsSpan(i * HostEventSize, HostEventSize);
            Span<byte> target = guest.AsSpan(i * GuestEventSize, GuestEventSize);
            BinaryPrimitives.WriteUInt32LittleEndian(target, BinaryPrimitives.ReadUInt32LittleEndian(source));
            source[(HostEventSize - 8)..].CopyTo(target[4..]);
        }

        return c.Memory.TryWrite(c[1], guest) ? ready : -Errno.EFAULT;
    }
}
