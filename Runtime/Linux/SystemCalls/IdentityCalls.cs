using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Who a process is: numbers of processes, groups and sessions are the guest's own; user and groups are the host's and stay.</summary>
static class IdentityCalls
{
    public static long ProcessId(SystemCallContext c) => c.Process.Id;

    public static long ThreadId(SystemCallContext c) => c.Thread.Id;

    public static long ParentId(SystemCallContext c) => c.Process.Parent?.Id ?? 1;

    public static long User(SystemCallContext c) => Libc.GetUser();

    public static long EffectiveUser(SystemCallContext c) => Libc.GetEffectiveUser();

    public static long Group(SystemCallContext c) => Libc.GetGroup();

    public static long EffectiveGroup(SystemCallContext c) => Libc.GetEffectiveGroup();

    public static long Users(SystemCallContext c) => Triple(c, Libc.GetUser(), Libc.GetEffectiveUser());

    public static long Groups(SystemCallContext c) => Triple(c, Libc.GetGroup(), Libc.GetEffectiveGroup());

    /// <summary>setuid and its like: what changes nothing is allowed. All arguments have to be -1 or the number there is.</summary>
    public static long SetUser(SystemCallContext c) => Keep(c, Libc.GetUser(), 1);

    public static long SetGroup(SystemCallContext c) => Keep(c, Libc.GetGroup(), 1);

    public static long SetUsers2(SystemCallContext c) => Keep(c, Libc.GetUser(), 2);

    public static long SetGroups2(SystemCallContext c) => Keep(c, Libc.GetGroup(), 2);

    public static long SetUsers3(SystemCallContext c) => Keep(c, Libc.GetUser(), 3);

    public static long SetGroups3(SystemCallContext c) => Keep(c, Libc.GetGroup(), 3);

    /// <summary>setfsuid and setfsgid return what was set before.</summary>
    public static long SetFileUser(SystemCallContext c) => Libc.GetEffectiveUser();

    public static long SetFileGroup(SystemCallContext c) => Libc.GetEffectiveGroup();

    public static long NotPermitted(SystemCallContext c) => -Errno.EPERM;

    public static long SupplementaryGroups(SystemCallContext c) => WriteGroups(c, 4);

    public static long SupplementaryGroups16(SystemCallContext c) => WriteGroups(c, 2);

    public static long ProcessGroup(SystemCallContext c) => c.Process.Group;

    public static long ProcessGroupOf(SystemCallContext c) => Find(c, c.Int(0)) is { } process ? process.Group : -Errno.ESRCH;

    public static long SessionOf(SystemCallContext c) => Find(c, c.Int(0)) is { } process ? process.Session : -Errno.ESRCH;

    public static long SetProcessGroup(SystemCallContext c)
    {
        lock (c.System.Lock)
        {
            GuestProcess? process = Find(c, c.Int(0));
            if (process == null || process != c.Process && process.Parent != c.Process)
            {
                return -Errno.ESRCH;
            }

            int group = c.Int(1) == 0 ? process.Id : c.Int(1);
            bool exists = group == process.Id || c.System.Processes.Values.Any(other => other.Group == group && other.Session == process.Session);
            if (group < 0 || process.Session == process.Id || !exists)
            {
                return group < 0 ? -Errno.EINVAL : -Errno.EPERM;
            }

            process.Group = group;
            return 0;
        }
    }

    public static long NewSession(SystemCallContext c)
    {
        lock (c.System.Lock)
        {
            if (c.System.Processes.Values.Any(other => other.Group == c.Process.Id))
            {
                return -Errno.EPERM;
            }

            c.Process.Session = c.Process.Group = c.Process.Id;
            return c.Process.Id;
        }
    }

    static GuestProcess? Find(SystemCallContext c, int id)
    {
        lock (c.System.Lock)
        {
            return id == 0 || id == c.Process.Id ? c.Process : c.System.Processes.GetValueOrDefault(id);
        }
    }

    static long Triple(SystemCallContext c, uint real, uint effective) =>
        c.Memory.TryWrite(c[0], real) && c.Memory.TryWrite(c[1], effective) && c.Memory.TryWrite(c[2], effective) ? 0 : -Errno.EFAULT;

    static long Keep(SystemCallContext c, uint current, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (c.UInt(i) != current && c.UInt(i) != uint.MaxValue)
            {
                return -Errno.EPERM;
            }
        }

        return 0;
    }

    static long WriteGroups(SystemCallContext c, int idSize)
    {
        uint[] groups = new uint[Math.Max(0, Libc.GetGroups(0, []))];
        int count = Math.Max(0, Libc.GetGroups(groups.Length, groups));
        if (c.Int(0) == 0)
        {
            return count;
        }

        if (c.Int(0) < count)
        {
            return -Errno.EINVAL;
        }

        for (int i = 0; i < count; i++)
        {
            ulong address = c[1] + (ulong)(i * idSize);
            if (idSize == 4 ? !c.Memory.TryWrite(address, groups[i]) : !c.Memory.TryWrite(address, (ushort)groups[i]))
            {
                return -Errno.EFAULT;
            }
        }

        return count;
    }
}
