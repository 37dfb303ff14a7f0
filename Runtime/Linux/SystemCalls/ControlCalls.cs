using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>fcntl, ioctl and locks.</summary>
static class ControlCalls
{
    const int DuplicateCommand = 0, GetDescriptorFlags = 1, SetDescriptorFlags = 2, GetStatusFlags = 3, SetStatusFlags = 4;
    const int GetLock = 5, SetLock = 6, SetLockWait = 7, GetLock64 = 12, SetLock64 = 13, SetLockWait64 = 14;
    const int OpenFileGetLock = 36, OpenFileSetLock = 37, OpenFileSetLockWait = 38;
    const int DuplicateCloseOnExec = 1030, GetPipeSize = 1032, SetPipeSize = 1031, AddSeals = 1033, GetSeals = 1034;
    const int SetOwner = 8, GetOwner = 9;
    const int HostLockSize = 32;

    /// <summary>How often a waiting lock is tried again: the host has no lock wait that a guest signal could end.</summary>
    const long RetryNanoseconds = 10_000_000;

    public static long Control(SystemCallContext c)
    {
        OpenFile? file = c.File(0);
        if (file == null)
        {
            return -Errno.EBADF;
        }

        DescriptorTable table = c.Process.Descriptors;
        int argument = c.Int(2);
        switch (c.Int(1))
        {
            case DuplicateCommand or DuplicateCloseOnExec:
                return (uint)argument < DescriptorTable.Limit
                    ? table.Add(file.AddReference(), c.Int(1) == DuplicateCloseOnExec, argument)
                    : -Errno.EINVAL;
            case GetDescriptorFlags:
                return table.GetCloseOnExec(c.Int(0)) ? 1 : 0;
            case SetDescriptorFlags:
                table.SetCloseOnExec(c.Int(0), (argument & 1) != 0);
                return 0;
            case GetStatusFlags:
                return (long)(file.Flags | (c.Abi.Is64 || file.Host == null ? 0 : OpenFlags.LargeFile));
            case SetStatusFlags:
                return file.SetFlags((OpenFlags)argument);
            case GetLock or SetLock or SetLockWait:
                return RecordLock(c, file, c.Int(1), isWide: c.Abi.Is64);
            case GetLock64 or SetLock64 or SetLockWait64:
                return RecordLock(c, file, c.Int(1) - GetLock64 + GetLock, isWide: true);
            case OpenFileGetLock or OpenFileSetLock or OpenFileSetLockWait:
                return RecordLock(c, file, c.Int(1) - OpenFileGetLock + GetLock, isWide: true);
            case GetPipeSize or SetPipeSize or AddSeals or GetSeals when file.Host is { } host:
                return HostCalls.Result(Libc.Control(host, c.Int(1), argument));
            case SetOwner or GetOwner:
                return 0;
            default:
                return -Errno.EINVAL;
        }
    }

    public static long DeviceControl(SystemCallContext c)
    {
        OpenFile? file = c.File(0);
        if (file == null)
        {
            return -Errno.EBADF;
        }

        uint request = c.UInt(1);
        switch (request)
        {
            case Terminal.SetCloseOnExec or Terminal.ClearCloseOnExec:
                c.Process.Descriptors.SetCloseOnExec(c.Int(0), request == Terminal.SetCloseOnExec);
                return 0;
            case Terminal.SetNonBlocking:
                return c.Memory.TryRead(c[2], out int value)
                    ? file.SetFlags(value != 0 ? file.Flags | OpenFlags.NonBlocking : file.Flags & ~OpenFlags.NonBlocking)
                    : -Errno.EFAULT;
            case Terminal.BytesReadable when file is NetworkSocket:
                return file is InputConnection connection ? c.WriteInt(c[2], (int)Math.Min(connection.Remaining, int.MaxValue)) : -Errno.EINVAL;
            case Terminal.BytesReadable when file.Host is { } host:
                Span<byte> count = stackalloc byte[4];
                long result = HostCalls.Result(Libc.DeviceControl(host, request, count));
                return result < 0 ? result : c.Write(c[2], count);
        }

        return file is HostOpenFile { IsTerminal: true } terminal ? ControlTerminal(c, terminal, request) : -Errno.ENOTTY;
    }

    public static long Lock(SystemCallContext c)
    {
        const int nonBlocking = 4;
        OpenFile? file = c.File(0);
        if (file?.Host == null)
        {
            return file == null ? -Errno.EBADF : -Errno.EINVAL;
        }

        int operation = c.Int(1);
        return Retry(c, (operation & nonBlocking) == 0, () => HostCalls.Result(Libc.Lock(file.Host, operation | nonBlocking)));
    }

    static long ControlTerminal(SystemCallContext c, HostOpenFile file, uint request)
    {
        switch (request)
        {
            case Terminal.GetAttributes or Terminal.GetWindowSize:
                Span<byte> answer = stackalloc byte[request == Terminal.GetAttributes ? Terminal.AttributesSize : Terminal.WindowSizeSize];
                long result = HostCalls.Result(Libc.DeviceControl(file.Host, request, answer));
                return result < 0 ? result : c.Write(c[2], answer);
            case Terminal.SetAttributes or Terminal.SetAttributesDrain or Terminal.SetAttributesFlush or Terminal.SetWindowSize:
                Span<byte> wish = stackalloc byte[request == Terminal.SetWindowSize ? Terminal.WindowSizeSize : Terminal.AttributesSize];
                return c.Memory.TryRead(c[2], wish) ? HostCalls.Result(Libc.DeviceControl(file.Host, request, wish)) : -Errno.EFAULT;
            case Terminal.GetForegroundGroup:
                return c.WriteInt(c[2], c.System.ForegroundGroup);
            case Terminal.SetForegroundGroup:
                if (!c.Memory.TryRead(c[2], out int group))
                {
                    return -Errno.EFAULT;
                }

                c.System.ForegroundGroup = group;
                return 0;
            case Terminal.GetSession:
                return c.WriteInt(c[2], c.Process.Session);
            case Terminal.SetControlling or Terminal.GiveUpControlling:
                return 0;
            case Terminal.Flush or Terminal.Flow or Terminal.SendBreak:
                return HostCalls.Result(Libc.DeviceControl(file.Host, request, (nint)c.Int(2)));
            default:
                return -Errno.ENOTTY;
        }
    }

    /// <summary>
    /// Record locks. All guest processes are one process of the host, so its locks by process would not keep them apart; locks by open file do.
    /// </summary>
    static long RecordLock(SystemCallContext c, OpenFile file, int command, bool isWide)
    {
        if (file.Host is not { } host)
        {
            return -Errno.EINVAL;
        }

        Span<byte> guest = stackalloc byte[HostLockSize];
        guest.Clear();
        int size = c.Abi.Is64 ? HostLockSize : isWide ? 24 : 16;
        if (!c.Memory.TryRead(c[2], guest[..size]))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(guest);
        ushort type = r.Short(), whence = r.Short();
        long start = isWide ? (long)r.Wide() : r.Long(), length = isWide ? (long)r.Wide() : r.Long();
        byte[] bytes = new byte[HostLockSize];
        StructWriter w = new(bytes, LinuxAbi.Amd64);
        w.Short(type);
        w.Short(whence);
        w.Wide((ulong)start);
        w.Wide((ulong)length);
        int hostCommand = command == GetLock ? OpenFileGetLock : OpenFileSetLock;
        long result = Retry(c, command == SetLockWait, () => HostCalls.LockRecord(host, hostCommand, bytes));
        if (result < 0 || command != GetLock)
        {
            return result;
        }

        StructWriter answer = c.Struct(guest);
        answer.Short(BinaryPrimitives.ReadUInt16LittleEndian(bytes));
        answer.Short(BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(2)));
        foreach (ulong field in new[] { BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16)) })
        {
            if (isWide)
            {
                answer.Wide(field);
            }
            else
            {
                answer.Word(field);
            }
        }

        answer.Int(0);
        return c.Write(c[2], answer.Written);
    }

    static long Retry(SystemCallContext c, bool waits, Func<long> tryOnce)
    {
        while (true)
        {
            long result = tryOnce();
            if (!waits || result != -Errno.EAGAIN)
            {
                return result;
            }

            // Where nobody else runs meanwhile, the lock is never given back.
            long waited = c.Thread.WaitUntil(() => false, c.System.Turns != null ? GuestThread.Forever : RetryNanoseconds);
            if (waited < 0)
            {
                return waited == -Errno.EWAIT ? waited : -Errno.ERESTARTSYS;
            }
        }
    }
}
