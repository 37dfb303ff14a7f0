using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Calls on names: directories, links, renaming, removing.</summary>
static class DirectoryCalls
{
    const int EntriesSize = 1 << 15;

    public static long GetWorkingDirectory(SystemCallContext c)
    {
        byte[] path = [.. PathText.ToBytes(c.Process.Files.WorkingDirectory.Path), 0];
        return (ulong)path.Length > c[1] ? -Errno.ERANGE : c.Memory.TryWrite(c[0], path) ? path.Length : -Errno.EFAULT;
    }

    public static long ChangeDirectory(SystemCallContext c)
    {
        long error = c.ReadPath(0, out string path);
        if (error < 0)
        {
            return error;
        }

        GuestDirectory? directory = FileOpener.OpenDirectory(c.Process, c.Process.Files.WorkingDirectory, path, out error);
        if (directory == null)
        {
            return error;
        }

        c.Process.Files.WorkingDirectory = directory;
        return 0;
    }

    public static long ChangeDirectoryTo(SystemCallContext c)
    {
        GuestDirectory? directory = c.Directory(0, out long error);
        if (directory == null)
        {
            return error;
        }

        // The working directory outlives the descriptor.
        HostFile? own = directory.Host == null ? null : HostCalls.OpenAt(directory.Host, ".", OpenFlags.Path | OpenFlags.Directory, 0, out error);
        if (directory.Host != null && own == null)
        {
            return error;
        }

        c.Process.Files.WorkingDirectory = directory with { Host = own };
        return 0;
    }

    public static long Entries64(SystemCallContext c)
    {
        byte[] buffer = new byte[Math.Min(c.UInt(2), EntriesSize)];
        long size = c.File(0) is { } file ? file.ReadEntries(buffer) : -Errno.EBADF;
        return size <= 0 ? size : c.Memory.TryWrite(c[1], buffer.AsSpan(0, (int)size)) ? size : -Errno.EFAULT;
    }

    /// <summary>getdents: the older record has longs, and the type in its last byte. It is never longer than the newer one.</summary>
    public static long Entries(SystemCallContext c)
    {
        byte[] buffer = new byte[Math.Min(c.UInt(2), EntriesSize)];
        long size = c.File(0) is { } file ? file.ReadEntries(buffer) : -Errno.EBADF;
        if (size <= 0)
        {
            return size;
        }

        byte[] result = new byte[size];
        int used = 0;
        for (int position = 0; position < size;)
        {
            ReadOnlySpan<byte> entry = buffer.AsSpan(position, BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(position + 16)));
            ReadOnlySpan<byte> name = entry[DirectoryEntry.NameOffset..];
            name = name[..name.IndexOf((byte)0)];
            int nameOffset = 2 * c.Abi.WordSize + 2;
            int length = (nameOffset + name.Length + 2 + c.Abi.WordSize - 1) & -c.Abi.WordSize;
            StructWriter w = c.Struct(result.AsSpan(used, length));
            w.Word(BinaryPrimitives.ReadUInt64LittleEndian(entry));
            w.Word(BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]));
            w.Short((ushort)length);
            w.Bytes(name);
            w.PadTo(length - 1);
            w.Byte(entry[18]);
            used += length;
            position += entry.Length;
        }

        return c.Memory.TryWrite(c[1], result.AsSpan(0, used)) ? used : -Errno.EFAULT;
    }

    public static long MakeDirectory(SystemCallContext c) => MakeDirectory(c, -1, 0, c.UInt(1));

    public static long MakeDirectoryAt(SystemCallContext c) => MakeDirectory(c, 0, 1, c.UInt(2));

    public static long MakeNode(SystemCallContext c) => MakeNode(c, -1, 0, c.UInt(1), c[2]);

    public static long MakeNodeAt(SystemCallContext c) => MakeNode(c, 0, 1, c.UInt(2), c[3]);

    public static long RemoveDirectory(SystemCallContext c) => Unlink(c, -1, 0, HostCalls.RemoveDirectoryFlag);

    public static long Unlink(SystemCallContext c) => Unlink(c, -1, 0, 0);

    public static long UnlinkAt(SystemCallContext c) =>
        (c.Int(2) & ~HostCalls.RemoveDirectoryFlag) != 0 ? -Errno.EINVAL : Unlink(c, 0, 1, c.Int(2));

    public static long Rename(SystemCallContext c) => Rename(c, -1, 0, -1, 1, 0);

    public static long RenameAt(SystemCallContext c) => Rename(c, 0, 1, 2, 3, 0);

    public static long RenameAt2(SystemCallContext c) => Rename(c, 0, 1, 2, 3, c.UInt(4));

    public static long Link(SystemCallContext c) => Link(c, -1, 0, -1, 1, 0);

    public static long LinkAt(SystemCallContext c) => Link(c, 0, 1, 2, 3, c.Int(4));

    public static long SymbolicLink(SystemCallContext c) => SymbolicLink(c, -1, 1);

    public static long SymbolicLinkAt(SystemCallContext c) => SymbolicLink(c, 1, 2);

    public static long ReadLink(SystemCallContext c) => ReadLink(c, -1, 0, c[1], c.Int(2));

    public static long ReadLinkAt(SystemCallContext c) => ReadLink(c, 0, 1, c[2], c.Int(3));

    static long MakeDirectory(SystemCallContext c, int directoryIndex, int pathIndex, uint mode)
    {
        uint wanted = mode & ~c.Process.Files.CreationMask & 0xFFF;
        return Change(c, directoryIndex, pathIndex, false, true, location =>
            WithMode(location, HostCalls.Result(Libc.MakeDirectoryAt(location.Directory!, location.Name, wanted)), wanted));
    }

    static long MakeNode(SystemCallContext c, int directoryIndex, int pathIndex, uint mode, ulong device)
    {
        FileKind kind = (FileKind)(mode & 0xF000);
        if (kind is FileKind.CharacterDevice or FileKind.BlockDevice)
        {
            return -Errno.EPERM;
        }

        uint permissions = mode & ~c.Process.Files.CreationMask & 0xFFF;
        return Change(c, directoryIndex, pathIndex, false, true, location =>
            WithMode(location, HostCalls.Result(Libc.MakeNodeAt(location.Directory!, location.Name, (uint)kind | permissions, device)), permissions));
    }

    /// <summary>The host's own creation mask may have taken bits that the guest's lets through.</summary>
    static long WithMode(Location location, long result, uint mode)
    {
        if (result < 0 || (mode & CreationMask.OfHost()) == 0)
        {
            return result;
        }

        using HostFile? made = HostCalls.OpenAt(location.Directory!, location.Name, OpenFlags.Path, 0, out long error);
        return made == null ? error : HostCalls.Result(Libc.ChangeMode(made.MagicPath, mode));
    }

    static long Unlink(SystemCallContext c, int directoryIndex, int pathIndex, int flags) =>
        Change(c, directoryIndex, pathIndex, false, false, location =>
            location.Name == "."
                ? (flags != 0 ? -Errno.EINVAL : -Errno.EISDIR)
                : HostCalls.Result(Libc.UnlinkAt(location.Directory!, location.Name, flags)));

    static long Rename(SystemCallContext c, int fromDirectory, int fromPath, int toDirectory, int toPath, uint flags) =>
        Change(c, fromDirectory, fromPath, false, false, from =>
            Change(c, toDirectory, toPath, false, false, to =>
                from.Name == "." || to.Name == "."
                    ? -Errno.EBUSY
                    : HostCalls.Result(flags == 0
                        ? Libc.RenameAt(from.Directory!, from.Name, to.Directory!, to.Name)
                        : Libc.RenameAt2(from.Directory!, from.Name, to.Directory!, to.Name, flags))));

    static long Link(SystemCallContext c, int fromDirectory, int fromPath, int toDirectory, int toPath, int flags)
    {
        const int follow = 0x400;
        return (flags & ~follow) != 0
            ? -Errno.EINVAL
            : Change(c, fromDirectory, fromPath, (flags & follow) != 0, false, from =>
                Change(c, toDirectory, toPath, false, true, to =>
                    HostCalls.Result(Libc.LinkAt(from.Directory!, from.Name, to.Directory!, to.Name, 0))));
    }

    static long SymbolicLink(SystemCallContext c, int directoryIndex, int pathIndex)
    {
        long error = c.ReadPath(0, out string target);
        return error < 0
            ? error
            : Change(c, directoryIndex, pathIndex, false, true, location =>
                HostCalls.Result(Libc.SymbolicLinkAt(target, location.Directory!, location.Name)));
    }

    static long ReadLink(SystemCallContext c, int directoryIndex, int pathIndex, ulong buffer, int size)
    {
        if (size <= 0)
        {
            return -Errno.EINVAL;
        }

        using Location? location = c.Resolve(directoryIndex, pathIndex, false, out long error);
        if (location == null)
        {
            return error;
        }

        string? target = location.Node switch
        {
            VirtualLink link => link.Target,
            not null => null,
            null => HostCalls.ReadLink(location.Directory!, location.Name, out error),
        };
        if (target == null)
        {
            return error < 0 ? error : -Errno.EINVAL;
        }

        byte[] bytes = PathText.ToBytes(target);
        int length = Math.Min(bytes.Length, size);
        return c.Memory.TryWrite(buffer, bytes.AsSpan(0, length)) ? length : -Errno.EFAULT;
    }

    /// <summary>Does something to a name, unless the system is read-only or the place virtual.</summary>
    /// <param name="c">The call.</param>
    /// <param name="directoryIndex">Argument with the directory, or -1.</param>
    /// <param name="pathIndex">Argument with the path.</param>
    /// <param name="followLast">Whether a link at the end is followed.</param>
    /// <param name="creates">The name must not be there yet: that is told before anything else.</param>
    /// <param name="change">What to do.</param>
    public static long Change(SystemCallContext c, int directoryIndex, int pathIndex, bool followLast, bool creates, Func<Location, long> change)
    {
        using Location? location = c.Resolve(directoryIndex, pathIndex, followLast, out long error);
        if (location == null)
        {
            return error;
        }

        if (location.Node != null)
        {
            return creates ? -Errno.EEXIST : -Errno.EPERM;
        }

        if (!c.System.Options.IsWritable)
        {
            long found = location.Stat(out _);
            return creates && found >= 0 ? -Errno.EEXIST : !creates && found < 0 ? found : -Errno.EROFS;
        }

        return change(location);
    }
}
