using System.Globalization;
using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Host;

/// <summary>Host calls with the kernel's convention: a result that is not negative, or a negated error number.</summary>
static class HostCalls
{
    public const int SymlinkNoFollow = 0x100, RemoveDirectoryFlag = 0x200, EmptyPath = 0x1000;
    const int ControlGetFlags = 3, ControlSetFlags = 4;
    const int EventNonBlocking = 0x800, CloseOnExec = 0x80000;

    /// <summary>Applies the convention to a result of libc.</summary>
    public static long Result(long result) => result < 0 ? -Marshal.GetLastPInvokeError() : result;

    /// <summary>Opens relative to a directory. The last component is never followed: the resolver has done that.</summary>
    public static HostFile? OpenAt(HostFile directory, string name, OpenFlags flags, uint mode, out long error) =>
        Take(Libc.OpenAt(directory, name, HostFlags(flags | OpenFlags.NoFollow), mode), out error);

    /// <summary>Opens a path of the host's own, not the guest's.</summary>
    public static HostFile? Open(string path, OpenFlags flags, out long error) => Take(Libc.Open(path, HostFlags(flags), 0), out error);

    /// <summary>A new descriptor of an open file of the host process (standard input and output).</summary>
    public static HostFile? Duplicate(int descriptor) => Take(Libc.Duplicate(descriptor), out _);

    /// <summary>An anonymous file in memory.</summary>
    public static HostFile? MemoryFile(string name, uint flags, out long error) => Take(Libc.MemoryFile(name, flags | 1), out error);

    /// <summary>A counter that wakes a poll.</summary>
    public static HostFile EventCounter(uint initial, bool semaphore) =>
        Take(Libc.EventCounter(initial, EventNonBlocking | CloseOnExec | (semaphore ? 1 : 0)), out long error)
        ?? throw new IOException($"The host gives no eventfd ({Errno.Name((int)-error)}).");

    /// <summary>Counts on; who polls the counter wakes up.</summary>
    public static void Count(HostFile counter, ulong count = 1) => Write(counter, BitConverter.GetBytes(count));

    /// <summary>Sets a counter back: to zero, and a semaphore by one.</summary>
    public static void SetBack(HostFile counter) => Read(counter, stackalloc byte[sizeof(ulong)]);

    /// <summary>What a counter has counted; reading it would set it back.</summary>
    public static ulong EventCount(HostFile counter)
    {
        const string name = "eventfd-count:";
        string? line = File.ReadLines($"/proc/self/fdinfo/{counter.Descriptor}").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return ulong.TryParse(line?[name.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong count) ? count : 0;
    }

    /// <summary>Two ends of a pipe, both non-blocking: waiting is done by poll, so that a signal of the guest can end it.</summary>
    public static (HostFile Read, HostFile Write)? Pipe(out long error)
    {
        Span<int> ends = stackalloc int[2];
        error = Result(Libc.Pipe(ends, EventNonBlocking | CloseOnExec));
        return error < 0 ? null : (new HostFile(ends[0]), new HostFile(ends[1]));
    }

    /// <summary>Two connected local sockets, both non-blocking like pipes.</summary>
    public static (HostFile First, HostFile Second)? SocketPair(int type, out long error)
    {
        const int local = 1;
        Span<int> ends = stackalloc int[2];
        error = Result(Libc.SocketPair(local, type | EventNonBlocking | CloseOnExec, 0, ends));
        return error < 0 ? null : (new HostFile(ends[0]), new HostFile(ends[1]));
    }

    /// <summary>SO_TYPE of a socket.</summary>
    public static int SocketType(HostFile socket)
    {
        const int socketLevel = 1, typeOption = 3;
        int size = sizeof(int);
        return Libc.GetSocketOption(socket, socketLevel, typeOption, out int type, ref size) < 0 ? 0 : type;
    }

    /// <summary>An epoll instance.</summary>
    public static HostFile? EventPoll(out long error) => Take(Libc.CreateEventPoll(CloseOnExec), out error);

    public static long Stat(HostFile directory, string name, out HostStatx result) =>
        Result(Libc.Statx(directory, name, SymlinkNoFollow, HostStatx.BasicMask, out result));

    public static long Stat(HostFile file, out HostStatx result) =>
        Result(Libc.Statx(file, "", EmptyPath, HostStatx.BasicMask, out result));

    /// <summary>The target of a symbolic link, or null with EINVAL when the name is something else.</summary>
    public static string? ReadLink(HostFile directory, string name, out long error)
    {
        Span<byte> buffer = stackalloc byte[4096];
        error = Result(Libc.ReadLinkAt(directory, name, buffer, buffer.Length));
        return error < 0 ? null : Files.PathText.FromBytes(buffer[..(int)error]);
    }

    public static long Read(HostFile file, Span<byte> buffer) => Result(Libc.Read(file, buffer, buffer.Length));

    public static long Write(HostFile file, ReadOnlySpan<byte> buffer) => Result(Libc.Write(file, buffer, buffer.Length));

    public static long ReadAt(HostFile file, Span<byte> buffer, long offset) => Result(Libc.ReadAt(file, buffer, buffer.Length, offset));

    public static long WriteAt(HostFile file, ReadOnlySpan<byte> buffer, long offset) => Result(Libc.WriteAt(file, buffer, buffer.Length, offset));

    /// <summary>Raw directory entries; the 64-bit format is the same on every architecture.</summary>
    public static long DirectoryEntries(HostFile directory, Span<byte> buffer)
    {
        bool isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        return Result(Libc.DirectoryEntries(isX64 ? 217 : 61, directory, buffer, buffer.Length));
    }

    /// <summary>Access mode and status flags of a descriptor, in guest numbers.</summary>
    public static OpenFlags GetFlags(HostFile file)
    {
        int flags = Libc.Control(file, ControlGetFlags, 0);
        return flags < 0 ? OpenFlags.ReadWrite : (OpenFlags)flags & (OpenFlags.AccessMode | OpenFlags.Append | OpenFlags.NonBlocking);
    }

    /// <summary>Sets status flags (F_SETFL).</summary>
    public static long SetFlags(HostFile file, OpenFlags flags) => Result(Libc.Control(file, ControlSetFlags, HostFlags(flags)));

    /// <summary>F_OFD_SETLK and its like, with a struct flock of the host.</summary>
    public static unsafe long LockRecord(HostFile file, int command, Span<byte> record)
    {
        fixed (byte* start = record)
        {
            return Result(Libc.Control(file, command, (nint)start));
        }
    }

    /// <summary>Waits for events; a negative timeout waits for ever. EINTR of the host (its own signals) counts as "nothing happened".</summary>
    public static long Poll(Span<HostPollEntry> entries, long timeoutNanoseconds)
    {
        HostTimespec timeout = timeoutNanoseconds < 0
            ? new HostTimespec(86400, 0)
            : new HostTimespec(timeoutNanoseconds / 1_000_000_000, timeoutNanoseconds % 1_000_000_000);
        long ready = Result(Libc.Poll(entries, (nuint)entries.Length, timeout, 0));
        if (ready == -Errno.EINTR)
        {
            foreach (ref HostPollEntry entry in entries)
            {
                entry.Returned = 0;
            }

            return 0;
        }

        return ready;
    }

    /// <summary>What the host calls an inherited descriptor: "/dev/pts/0", "pipe:[17]".</summary>
    public static string StreamName(HostFile file)
    {
        Span<byte> buffer = stackalloc byte[4096];
        long length = Result(Libc.ReadLink(file.MagicPath, buffer, buffer.Length));
        return length < 0 ? "stream" : Files.PathText.FromBytes(buffer[..(int)length]);
    }

    /// <summary>Nanoseconds of a host clock.</summary>
    public static long Nanoseconds(int clock) =>
        Libc.GetTime(clock, out HostTimespec now) == 0 ? now.Seconds * 1_000_000_000 + now.Nanoseconds : 0;

    static HostFile? Take(int descriptor, out long error)
    {
        error = Result(descriptor);
        return descriptor < 0 ? null : new HostFile(descriptor);
    }

    /// <summary>Four flags have other numbers on Arm hosts than on x86.</summary>
    static int HostFlags(OpenFlags flags)
    {
        flags |= OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;
        flags &= ~OpenFlags.LargeFile;
        if (RuntimeInformation.ProcessArchitecture != Architecture.Arm64)
        {
            return (int)flags;
        }

        OpenFlags moved = flags & (OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.Direct);
        int result = (int)(flags & ~moved);
        result |= (moved & OpenFlags.Directory) != 0 ? 0x4000 : 0;
        result |= (moved & OpenFlags.NoFollow) != 0 ? 0x8000 : 0;
        result |= (moved & OpenFlags.Direct) != 0 ? 0x10000 : 0;
        return result;
    }
}
