using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace FastVcpu.Linux.Host;

/// <summary>
/// The host's C library: what .NET has no API for. This file holds the declarations and nothing else; <see cref="HostCalls"/> gives them
/// the kernel's convention (a negative result is an error number).
/// </summary>
static partial class Libc
{
    const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "close")]
    public static partial int CloseRaw(int fd);

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true)]
    public static partial int Open([MarshalUsing(typeof(HostPathMarshaller))] string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true)]
    public static partial int MemoryFile([MarshalUsing(typeof(HostPathMarshaller))] string name, uint flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(HostFile file, Span<byte> buffer, nint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(HostFile file, ReadOnlySpan<byte> buffer, nint count);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(HostFile file, Span<byte> buffer, nint count, long offset);

    [LibraryImport(Library, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(HostFile file, ReadOnlySpan<byte> buffer, nint count, long offset);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(HostFile file, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, int flags, uint mask, out HostStatx result);

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int StatFileSystem(HostFile file, out HostStatfs result);

    [LibraryImport(Library, EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, Span<byte> buffer, nint size);

    [LibraryImport(Library, EntryPoint = "readlink", SetLastError = true)]
    public static partial nint ReadLink([MarshalUsing(typeof(HostPathMarshaller))] string path, Span<byte> buffer, nint size);

    [LibraryImport(Library, EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeDirectoryAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, uint mode);

    [LibraryImport(Library, EntryPoint = "mknodat", SetLastError = true)]
    public static partial int MakeNodeAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, uint mode, ulong device);

    [LibraryImport(Library, EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, int flags);

    [LibraryImport(Library, EntryPoint = "renameat", SetLastError = true)]
    public static partial int RenameAt(HostFile fromDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string from,
        HostFile toDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string to);

    [LibraryImport(Library, EntryPoint = "renameat2", SetLastError = true)]
    public static partial int RenameAt2(HostFile fromDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string from,
        HostFile toDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string to, uint flags);

    [LibraryImport(Library, EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(HostFile fromDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string from,
        HostFile toDirectory, [MarshalUsing(typeof(HostPathMarshaller))] string to, int flags);

    [LibraryImport(Library, EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymbolicLinkAt([MarshalUsing(typeof(HostPathMarshaller))] string target, HostFile directory,
        [MarshalUsing(typeof(HostPathMarshaller))] string path);

    [LibraryImport(Library, EntryPoint = "chmod", SetLastError = true)]
    public static partial int ChangeMode([MarshalUsing(typeof(HostPathMarshaller))] string path, uint mode);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(HostFile file, uint mode);

    [LibraryImport(Library, EntryPoint = "fchownat", SetLastError = true)]
    public static partial int ChangeOwnerAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, uint user, uint group, int flags);

    [LibraryImport(Library, EntryPoint = "utimensat", SetLastError = true)]
    public static partial int SetTimesAt(HostFile directory, [MarshalUsing(typeof(HostPathMarshaller))] string path, in HostTimes times, int flags);

    [LibraryImport(Library, EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(HostFile file, in HostTimes times);

    [LibraryImport(Library, EntryPoint = "access", SetLastError = true)]
    public static partial int CheckAccess([MarshalUsing(typeof(HostPathMarshaller))] string path, int mode);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(HostFile file, long length);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(HostFile file, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Synchronize(HostFile file);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(HostFile file, int operation);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(HostFile file, int command, nint argument);

    [LibraryImport(Library, EntryPoint = "dup", SetLastError = true)]
    public static partial int Duplicate(int descriptor);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int DeviceControl(HostFile file, nuint request, Span<byte> argument);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int DeviceControl(HostFile file, nuint request, nint argument);

    [LibraryImport(Library, EntryPoint = "ppoll", SetLastError = true)]
    public static partial int Poll(Span<HostPollEntry> entries, nuint count, in HostTimespec timeout, nint signalMask);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(Span<int> descriptors, int flags);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int family, int type, int protocol, Span<int> descriptors);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(HostFile socket, Span<byte> buffer, nint size, int flags);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(HostFile socket, int level, int option, out int value, ref int size);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(HostFile socket, int how);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventCounter(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreateEventPoll(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int ControlEventPoll(HostFile poll, int operation, HostFile file, Span<byte> data);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int WaitEventPoll(HostFile poll, Span<byte> events, int count, int timeout);

    [LibraryImport(Library, EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int GetTime(int clock, out HostTimespec result);

    [LibraryImport(Library, EntryPoint = "clock_getres", SetLastError = true)]
    public static partial int GetResolution(int clock, out HostTimespec result);

    [LibraryImport(Library, EntryPoint = "getrusage", SetLastError = true)]
    public static partial int GetUsage(int who, Span<long> result);

    [LibraryImport(Library, EntryPoint = "sysinfo", SetLastError = true)]
    public static partial int GetSystemInformation(Span<byte> result);

    [LibraryImport(Library, EntryPoint = "uname", SetLastError = true)]
    public static partial int GetSystemName(Span<byte> result);

    [LibraryImport(Library, EntryPoint = "getuid")]
    public static partial uint GetUser();

    [LibraryImport(Library, EntryPoint = "geteuid")]
    public static partial uint GetEffectiveUser();

    [LibraryImport(Library, EntryPoint = "getgid")]
    public static partial uint GetGroup();

    [LibraryImport(Library, EntryPoint = "getegid")]
    public static partial uint GetEffectiveGroup();

    [LibraryImport(Library, EntryPoint = "getgroups", SetLastError = true)]
    public static partial int GetGroups(int size, Span<uint> list);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint DirectoryEntries(nint number, HostFile directory, Span<byte> buffer, nint size);
}
