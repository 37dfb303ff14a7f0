using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>wait4, waitpid and waitid.</summary>
static class WaitCalls
{
    [Flags]
    enum WaitFlags : uint
    {
        NoHang = 1,
        Stopped = 2,
        Exited = 4,
        Continued = 8,
        NoWait = 0x100_0000,
        NoThread = 0x2000_0000,
        All = 0x4000_0000,
        Clone = 0x8000_0000,
    }

    /// <summary>What a wait has found.</summary>
    readonly record struct Change(GuestProcess Child, int WaitStatus, long CpuTime);

    public static long Wait(SystemCallContext c)
    {
        WaitFlags flags = (WaitFlags)c.UInt(2);
        if ((flags & ~(WaitFlags.NoHang | WaitFlags.Stopped | WaitFlags.Continued | WaitFlags.NoThread | WaitFlags.All | WaitFlags.Clone)) != 0)
        {
            return -Errno.EINVAL;
        }

        int id = c.Int(0);
        int group = c.Process.Group;
        Func<GuestProcess, bool> wanted = id switch
        {
            > 0 => child => child.Id == id,
            -1 => _ => true,
            0 => child => child.Group == group,
            _ => child => child.Group == -id,
        };
        long result = Wait(c, wanted, flags | WaitFlags.Exited, out Change change);
        if (result <= 0)
        {
            return result;
        }

        if (c[1] != 0 && c.WriteInt(c[1], change.WaitStatus) < 0 || c[3] != 0 && TimeCalls.WriteUsage(c, c[3], change.CpuTime) < 0)
        {
            return -Errno.EFAULT;
        }

        return change.Child.Id;
    }

    public static long WaitProcess(SystemCallContext c)
    {
        c.Shift(c[0], c[1], c[2]);
        return Wait(c);
    }

    public static long WaitId(SystemCallContext c)
    {
        const int all = 0, process = 1, group = 2;
        WaitFlags flags = (WaitFlags)c.UInt(3);
        int id = c.Int(1);
        int own = c.Process.Group;
        Func<GuestProcess, bool>? wanted = c.Int(0) switch
        {
            all => _ => true,
            process => child => child.Id == id,
            group => child => child.Group == (id == 0 ? own : id),
            _ => null,
        };
        if (wanted == null || (flags & (WaitFlags.Exited | WaitFlags.Stopped | WaitFlags.Continued)) == 0)
        {
            return -Errno.EINVAL;
        }

        long result = Wait(c, wanted, flags, out Change change);
        if (result < 0)
        {
            return result;
        }

        StructWriter w = c.Struct(stackalloc byte[SignalInfo.Size]);
        if (result == 0)
        {
            w.PadTo(SignalInfo.Size);
        }
        else
        {
            Describe(change).Write(ref w);
        }

        return c[2] != 0 && c.Write(c[2], w.Written) < 0 || result > 0 && c[4] != 0 && TimeCalls.WriteUsage(c, c[4], change.CpuTime) < 0 ? -Errno.EFAULT : 0;
    }

    static SignalInfo Describe(Change change)
    {
        int status = change.WaitStatus;
        (int code, int value) = status == ExitStatus.Continued ? (SignalInfo.ChildContinued, Signal.SIGCONT)
            : (status & 0xFF) == 0x7F ? (SignalInfo.ChildStopped, status >> 8)
            : (status & 0x7F) != 0 ? (SignalInfo.ChildKilled, status & 0x7F)
            : (SignalInfo.ChildExited, status >> 8 & 0xFF);
        return new SignalInfo(Signal.SIGCHLD, code) { ProcessId = change.Child.Id, UserId = Libc.GetUser(), Status = value };
    }

    static long Wait(SystemCallContext c, Func<GuestProcess, bool> wanted, WaitFlags flags, out Change change)
    {
        Change? found = null;
        long error = 0;
        bool Look()
        {
            List<GuestProcess> candidates = [.. c.Process.Children.Where(wanted)];
            error = candidates.Count == 0 ? -Errno.ECHILD : 0;
            found = candidates.Select(child => Collect(c.Process, child, flags)).FirstOrDefault(result => result != null);
            return found != null || error != 0;
        }

        long waited = 1;
        if ((flags & WaitFlags.NoHang) != 0)
        {
            lock (c.System.Lock)
            {
                Look();
            }
        }
        else
        {
            waited = c.Thread.WaitUntil(Look, GuestThread.Forever);
        }

        change = found ?? default;
        return waited == -Errno.EWAIT ? waited : waited < 0 ? -Errno.ERESTARTSYS : error != 0 ? error : found == null ? 0 : 1;
    }

    static Change? Collect(GuestProcess parent, GuestProcess child, WaitFlags flags)
    {
        if (child.IsZombie)
        {
            if ((flags & WaitFlags.Exited) == 0)
            {
                return null;
            }

            Change end = new(child, child.Status!.Value.WaitStatus, child.Usage.EndedNanoseconds + child.Usage.ChildNanoseconds);
            if ((flags & WaitFlags.NoWait) == 0)
            {
                parent.Usage.ChildCollected(child.Usage);
                parent.RemoveChild(child);
            }

            return end;
        }

        int status = child.UnreportedChange;
        WaitFlags needed = status == ExitStatus.Continued ? WaitFlags.Continued : WaitFlags.Stopped;
        if (status == 0 || (flags & needed) == 0)
        {
            return null;
        }

        if ((flags & WaitFlags.NoWait) == 0)
        {
            child.UnreportedChange = 0;
        }

        return new Change(child, status, child.Usage.EndedNanoseconds);
    }
}
