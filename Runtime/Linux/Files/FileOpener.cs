using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>open(2): what may be opened, and how. In a read-only system nothing is written except the harmless devices.</summary>
static class FileOpener
{
    /// <summary>Opens a path. Exactly one of the results is meaningful: the file, or a negated error number.</summary>
    public static (OpenFile? File, long Error) Open(GuestProcess process, GuestDirectory start, string path, OpenFlags flags, uint mode)
    {
        bool followLast = (flags & OpenFlags.NoFollow) == 0 && (flags & (OpenFlags.Create | OpenFlags.Exclusive)) != (OpenFlags.Create | OpenFlags.Exclusive);
        using Location? location = process.Paths.Resolve(start, path, followLast, out long error);
        if (location == null)
        {
            return (null, error);
        }

        return location.Node == null
            ? OpenHost(process, location, flags, mode)
            : OpenVirtual(location, location.Node, flags);
    }

    /// <summary>Opens a directory to be a working directory; null when that is not possible.</summary>
    public static GuestDirectory? OpenDirectory(GuestProcess process, string path) =>
        OpenDirectory(process, process.Files.WorkingDirectory, path, out _);

    /// <summary>Opens a directory to be a working directory.</summary>
    public static GuestDirectory? OpenDirectory(GuestProcess process, GuestDirectory start, string path, out long error)
    {
        using Location? location = process.Paths.Resolve(start, path, true, out error);
        if (location == null)
        {
            return null;
        }

        if (location.Node != null)
        {
            error = location.Node is VirtualDirectory ? 0 : -Errno.ENOTDIR;
            return location.Node is VirtualDirectory node ? new GuestDirectory(location.Path, null, node) : null;
        }

        HostFile? directory = HostCalls.OpenAt(location.Directory!, location.Name, OpenFlags.Path | OpenFlags.Directory, 0, out error);
        return directory == null ? null : new GuestDirectory(location.Path, directory, null);
    }

    static (OpenFile? File, long Error) OpenHost(GuestProcess process, Location location, OpenFlags flags, uint mode)
    {
        LinuxOptions options = process.System.Options;
        bool isPathOnly = (flags & OpenFlags.Path) != 0;
        bool isTemporary = (flags & OpenFlags.TemporaryFile) != 0;
        bool wantsChange = !isPathOnly
            && ((flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & (OpenFlags.Truncate | OpenFlags.TemporaryFile)) != 0);
        bool exists = location.Stat(out HostStatx stat) >= 0;
        if (!options.IsWritable)
        {
            if (exists && (flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive))
            {
                return (null, -Errno.EEXIST);
            }

            if (exists && wantsChange && stat.Kind == FileKind.Directory && !isTemporary)
            {
                return (null, -Errno.EISDIR);
            }

            if (wantsChange && (exists || (flags & OpenFlags.Create) != 0) || !exists && (flags & OpenFlags.Create) != 0)
            {
                return (null, -Errno.EROFS);
            }

            // Opening a device can do more than read (a watchdog starts, a tape rewinds), and a FIFO holds up its other end.
            if (!isPathOnly && stat.Kind is FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Fifo && exists)
            {
                return (null, -Errno.EACCES);
            }

            flags &= ~OpenFlags.Create;
        }

        if (location.MustBeDirectory)
        {
            flags |= (flags & OpenFlags.Create) != 0 ? 0 : OpenFlags.Directory;
        }

        bool creates = (flags & OpenFlags.Create) != 0 && !exists || isTemporary;
        uint mask = process.Files.CreationMask;
        HostFile? host = HostCalls.OpenAt(location.Directory!, location.Name, flags, mode & ~mask & 0xFFF, out long error);
        if (host == null)
        {
            return (null, error);
        }

        uint takenByHost = mode & ~mask & CreationMask.OfHost();
        if (creates && takenByHost != 0)
        {
            Libc.ChangeMode(host, mode & ~mask & 0xFFF);
        }

        HostOpenFile file = new(host, location.Path, Kept(flags));
        if (file is { IsRegular: true, IsReadable: true })
        {
            process.System.NoteOpened(location.Path);
        }

        return (file, 0);
    }

    static (OpenFile? File, long Error) OpenVirtual(Location location, VirtualNode node, OpenFlags flags)
    {
        bool writes = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly;
        if ((flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive))
        {
            return (null, -Errno.EEXIST);
        }

        if ((flags & OpenFlags.Directory) != 0 && node is not VirtualDirectory)
        {
            return (null, -Errno.ENOTDIR);
        }

        switch (node)
        {
            case VirtualDirectory directory:
                return writes ? (null, -Errno.EISDIR) : (new VirtualDirectoryFile(directory, location.Path, Kept(flags)), 0);
            case VirtualLink link:
                return (flags & OpenFlags.NoFollow) != 0 || !link.IsMagic ? (null, -Errno.ELOOP) : link.Open(flags);
            case VirtualDevice device:
                HostFile? host = HostCalls.Open(device.HostPath, flags & ~(OpenFlags.Create | OpenFlags.Truncate), out long error);
                return host == null ? (null, error) : (new HostOpenFile(host, location.Path, Kept(flags), node: node), 0);
            case VirtualText text:
                return writes ? (null, -Errno.EACCES) : OpenText(text, location.Path, flags);
            default:
                return (null, -Errno.EACCES);
        }
    }

    /// <summary>A made-up text becomes a file in memory, so that it can be read, sought and polled like any other.</summary>
    static (OpenFile? File, long Error) OpenText(VirtualText text, string path, OpenFlags flags)
    {
        HostFile? file = HostCalls.MemoryFile("text", 0, out long error);
        if (file == null)
        {
            return (null, error);
        }

        HostCalls.WriteAt(file, text.Content, 0);
        return (new HostOpenFile(file, path, Kept(flags), node: text), 0);
    }

    /// <summary>The flags that F_GETFL shows.</summary>
    static OpenFlags Kept(OpenFlags flags) =>
        flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoControllingTerminal | OpenFlags.Truncate | OpenFlags.CloseOnExec);
}
