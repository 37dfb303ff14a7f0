using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Calls that make and give up descriptors.</summary>
static class OpenCalls
{
    const int OpenHowSize = 24;

    /// <summary>The only resolutions that openat2 may ask for: they are how every path is resolved here.</summary>
    const ulong NoMagicLinks = 2, Cached = 0x20;

    public static long Open(SystemCallContext c) => Open(c, -1, 0, (OpenFlags)c.Int(1), c.UInt(2));

    public static long OpenAt(SystemCallContext c) => Open(c, 0, 1, (OpenFlags)c.Int(2), c.UInt(3));

    public static long Create(SystemCallContext c) => Open(c, -1, 0, OpenFlags.Create | OpenFlags.WriteOnly | OpenFlags.Truncate, c.UInt(1));

    public static long OpenAt2(SystemCallContext c)
    {
        Span<byte> bytes = stackalloc byte[OpenHowSize];
        if (c[3] < OpenHowSize)
        {
            return -Errno.EINVAL;
        }

        if (!c.Memory.TryRead(c[2], bytes))
        {
            return -Errno.EFAULT;
        }

        StructReader r = new(bytes, LinuxAbi.Amd64);
        ulong flags = r.Wide(), mode = r.Wide(), resolve = r.Wide();
        if ((resolve & ~(NoMagicLinks | Cached)) != 0 || flags > int.MaxValue)
        {
            return -Errno.EINVAL;
        }

        return (resolve & Cached) != 0 ? -Errno.EAGAIN : Open(c, 0, 1, (OpenFlags)flags, (uint)mode);
    }

    public static long Close(SystemCallContext c) => c.Process.Descriptors.Close(c.Int(0)) ? 0 : -Errno.EBADF;

    public static long CloseRange(SystemCallContext c)
    {
        const uint unshare = 2, closeOnExec = 4;
        uint first = c.UInt(0), last = c.UInt(1), flags = c.UInt(2);
        if (first > last || (flags & ~(unshare | closeOnExec)) != 0)
        {
            return -Errno.EINVAL;
        }

        for (int i = (int)Math.Min(first, DescriptorTable.Limit); i < DescriptorTable.Limit && i <= last; i++)
        {
            if ((flags & closeOnExec) != 0)
            {
                c.Process.Descriptors.SetCloseOnExec(i, true);
            }
            else
            {
                c.Process.Descriptors.Close(i);
            }
        }

        return 0;
    }

    public static long Duplicate(SystemCallContext c) => c.File(0) is { } file ? c.Process.Descriptors.Add(file.AddReference(), false) : -Errno.EBADF;

    public static long Duplicate2(SystemCallContext c)
    {
        if (c.Int(0) == c.Int(1))
        {
            return c.File(0) == null ? -Errno.EBADF : c.Int(0);
        }

        return Replace(c, false);
    }

    public static long Duplicate3(SystemCallContext c)
    {
        bool isValid = c.Int(0) != c.Int(1) && (c.Int(2) & ~(int)OpenFlags.CloseOnExec) == 0;
        return isValid ? Replace(c, c.Int(2) != 0) : -Errno.EINVAL;
    }

    public static long Pipe(SystemCallContext c) => Pipe(c, OpenFlags.ReadOnly);

    public static long Pipe2(SystemCallContext c) => Pipe(c, (OpenFlags)c.Int(1));

    public static long EventCounter(SystemCallContext c) => EventCounter(c, 0);

    public static long EventCounter2(SystemCallContext c) => EventCounter(c, c.Int(1));

    public static long MemoryFile(SystemCallContext c)
    {
        const uint closeOnExec = 1, allowSealing = 2;
        long error = c.ReadPath(0, out string name);
        if (error < 0 || (c.UInt(1) & ~(closeOnExec | allowSealing)) != 0)
        {
            return error < 0 ? error : -Errno.EINVAL;
        }

        HostFile? file = HostCalls.MemoryFile(name, c.UInt(1), out error);
        return file == null
            ? error
            : c.Process.Descriptors.Add(new HostOpenFile(file, $"/memfd:{name} (deleted)", OpenFlags.ReadWrite), (c.UInt(1) & closeOnExec) != 0);
    }

    static long Open(SystemCallContext c, int directoryIndex, int pathIndex, OpenFlags flags, uint mode)
    {
        long error = c.ReadPath(pathIndex, out string path);
        if (error < 0)
        {
            return error;
        }

        GuestDirectory? start = path.StartsWith('/') ? c.Process.Files.WorkingDirectory : c.Directory(directoryIndex, out error);
        if (start == null)
        {
            return error;
        }

        (OpenFile? file, error) = FileOpener.Open(c.Process, start, path, flags, mode);
        return file == null ? error : c.Process.Descriptors.Add(file, (flags & OpenFlags.CloseOnExec) != 0);
    }

    static long Replace(SystemCallContext c, bool closeOnExec)
    {
        OpenFile? file = c.File(0);
        if (file == null || (uint)c.Int(1) >= DescriptorTable.Limit)
        {
            return -Errno.EBADF;
        }

        c.Process.Descriptors.Replace(c.Int(1), file.AddReference(), closeOnExec);
        return c.Int(1);
    }

    static long Pipe(SystemCallContext c, OpenFlags flags)
    {
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlocking)) != 0)
        {
            return -Errno.EINVAL;
        }

        if (HostCalls.Pipe(out long error) is not { } ends)
        {
            return error;
        }

        return DescriptorPair.Add(c, c[0], ends.Read, ends.Write, "pipe", OpenFlags.ReadOnly, OpenFlags.WriteOnly, flags);
    }

    static long EventCounter(SystemCallContext c, int flags)
    {
        const int semaphore = 1;
        if ((flags & ~(semaphore | (int)OpenFlags.CloseOnExec | (int)OpenFlags.NonBlocking)) != 0)
        {
            return -Errno.EINVAL;
        }

        HostFile file = HostCalls.EventCounter(c.UInt(0), (flags & semaphore) != 0);
        OpenFlags status = (OpenFlags)flags & OpenFlags.NonBlocking | OpenFlags.ReadWrite;
        return c.Process.Descriptors.Add(new HostOpenFile(file, HostOpenFile.EventCounterPath, status, isSemaphore: (flags & semaphore) != 0), (flags & (int)OpenFlags.CloseOnExec) != 0);
    }
}
