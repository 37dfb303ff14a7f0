using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>stat, statfs, access and their relatives.</summary>
static class StatCalls
{
    const int LargestStat = 144, LargestStatfs = 128;
    const int ReadAccess = 4, WriteAccess = 2, ExecuteAccess = 1;
    const int EffectiveAccess = 0x200, NoAutomount = 0x800;

    public static long Stat(SystemCallContext c) => ByPath(c, -1, 0, 1, 0, Native(c));

    public static long LinkStat(SystemCallContext c) => ByPath(c, -1, 0, 1, HostCalls.SymlinkNoFollow, Native(c));

    public static long FileStat(SystemCallContext c) => ByFile(c, Native(c));

    public static long Stat64(SystemCallContext c) => ByPath(c, -1, 0, 1, 0, StatLayouts.I386Large);

    public static long LinkStat64(SystemCallContext c) => ByPath(c, -1, 0, 1, HostCalls.SymlinkNoFollow, StatLayouts.I386Large);

    public static long FileStat64(SystemCallContext c) => ByFile(c, StatLayouts.I386Large);

    public static long OldStat(SystemCallContext c) => ByPath(c, -1, 0, 1, 0, StatLayouts.I386Old);

    public static long OldLinkStat(SystemCallContext c) => ByPath(c, -1, 0, 1, HostCalls.SymlinkNoFollow, StatLayouts.I386Old);

    public static long OldFileStat(SystemCallContext c) => ByFile(c, StatLayouts.I386Old);

    /// <summary>newfstatat, and fstatat64 of i386.</summary>
    public static long StatAt(SystemCallContext c) => ByPath(c, 0, 1, 2, c.Int(3), c.Abi.Is64 ? StatLayouts.Amd64 : StatLayouts.I386Large);

    public static long Statx(SystemCallContext c)
    {
        long error = Find(c, 0, 1, c.Int(2), out HostStatx stat);
        return error < 0 ? error : c.Write(c[4], MemoryMarshal.AsBytes(new ReadOnlySpan<HostStatx>(ref stat)));
    }

    public static long Access(SystemCallContext c) => Access(c, -1, 0, c.Int(1), 0);

    public static long AccessAt(SystemCallContext c) => Access(c, 0, 1, c.Int(2), 0);

    public static long AccessAt2(SystemCallContext c) => Access(c, 0, 1, c.Int(2), c.Int(3));

    public static long StatFileSystem(SystemCallContext c) => StatFileSystem(c, 1, true, byFile: false);

    public static long StatFileSystemOfFile(SystemCallContext c) => StatFileSystem(c, 1, true, byFile: true);

    /// <summary>statfs64 of i386: the second argument is the size of the structure.</summary>
    public static long StatFileSystem64(SystemCallContext c) => StatFileSystem(c, 2, false, byFile: false);

    public static long StatFileSystemOfFile64(SystemCallContext c) => StatFileSystem(c, 2, false, byFile: true);

    static StatLayout Native(SystemCallContext c) => c.Abi.Is64 ? StatLayouts.Amd64 : StatLayouts.I386;

    static long ByFile(SystemCallContext c, StatLayout layout)
    {
        if (c.File(0) is not { } file)
        {
            return -Errno.EBADF;
        }

        long error = file.Stat(out HostStatx stat);
        return error < 0 ? error : Write(c, 1, layout, stat);
    }

    static long ByPath(SystemCallContext c, int directoryIndex, int pathIndex, int resultIndex, int flags, StatLayout layout)
    {
        long error = Find(c, directoryIndex, pathIndex, flags, out HostStatx stat);
        return error < 0 ? error : Write(c, resultIndex, layout, stat);
    }

    static long Find(SystemCallContext c, int directoryIndex, int pathIndex, int flags, out HostStatx stat)
    {
        stat = default;
        string path = "";
        long error = 0;
        if (c[pathIndex] != 0 || (flags & HostCalls.EmptyPath) == 0)
        {
            error = c.ReadPath(pathIndex, out path);
        }

        if (error < 0)
        {
            return error;
        }

        if (path.Length == 0 && (flags & HostCalls.EmptyPath) != 0 && c.Int(directoryIndex) != SystemCallContext.CurrentDirectory)
        {
            return c.File(directoryIndex) is { } file ? file.Stat(out stat) : -Errno.EBADF;
        }

        if (path.Length == 0 && (flags & HostCalls.EmptyPath) != 0)
        {
            path = ".";
        }

        using Location? location = c.Resolve(directoryIndex, path, (flags & HostCalls.SymlinkNoFollow) == 0, out error);
        if (location is { Node: VirtualLink { IsMagic: true } link } && (flags & HostCalls.SymlinkNoFollow) == 0)
        {
            (OpenFile? opened, error) = link.Open(OpenFlags.Path);
            error = opened == null ? error : opened.Stat(out stat);
            opened?.Release();
            return error;
        }

        return location == null ? error : location.Stat(out stat);
    }

    static long Write(SystemCallContext c, int resultIndex, StatLayout layout, in HostStatx stat)
    {
        StructWriter w = c.Struct(stackalloc byte[LargestStat]);
        return layout(ref w, stat) ? c.Write(c[resultIndex], w.Written) : -Errno.EOVERFLOW;
    }

    static long Access(SystemCallContext c, int directoryIndex, int pathIndex, int mode, int flags)
    {
        if ((mode & ~(ReadAccess | WriteAccess | ExecuteAccess)) != 0
            || (flags & ~(EffectiveAccess | HostCalls.SymlinkNoFollow | HostCalls.EmptyPath | NoAutomount)) != 0)
        {
            return -Errno.EINVAL;
        }

        using Location? location = c.Resolve(directoryIndex, pathIndex, (flags & HostCalls.SymlinkNoFollow) == 0, out long error);
        if (location == null)
        {
            return error;
        }

        error = location.Stat(out HostStatx stat);
        if (error < 0)
        {
            return error;
        }

        if (location.Node != null)
        {
            bool allowed = location.Node is VirtualDevice || (mode & WriteAccess) == 0;
            return allowed ? 0 : -Errno.EACCES;
        }

        if ((mode & WriteAccess) != 0 && !c.System.Options.IsWritable)
        {
            return -Errno.EROFS;
        }

        if (stat.Kind == FileKind.SymbolicLink)
        {
            return 0;
        }

        using HostFile? file = HostCalls.OpenAt(location.Directory!, location.Name, OpenFlags.Path, 0, out error);
        return file == null ? error : HostCalls.Result(Libc.CheckAccess(file.MagicPath, mode));
    }

    static long StatFileSystem(SystemCallContext c, int resultIndex, bool isNative, bool byFile)
    {
        if (byFile)
        {
            return c.File(0) is { } file ? WriteFileSystem(c, file.Host, resultIndex, isNative) : -Errno.EBADF;
        }

        using Location? location = c.Resolve(-1, 0, true, out long error);
        if (location?.Directory == null)
        {
            return location == null ? error : WriteFileSystem(c, null, resultIndex, isNative);
        }

        using HostFile? found = HostCalls.OpenAt(location.Directory, location.Name, OpenFlags.Path, 0, out error);
        return found == null ? error : WriteFileSystem(c, found, resultIndex, isNative);
    }

    static long WriteFileSystem(SystemCallContext c, HostFile? file, int resultIndex, bool isNative)
    {
        const long procMagic = 0x9FA0, readOnly = 1;
        HostStatfs stat = new() { Type = procMagic, BlockSize = 4096, NameLength = 255, FragmentSize = 4096 };
        long error = file == null ? 0 : HostCalls.Result(Libc.StatFileSystem(file, out stat));
        if (error < 0)
        {
            return error;
        }

        if (!c.System.Options.IsWritable)
        {
            stat.Flags |= readOnly;
        }

        StructWriter w = c.Struct(stackalloc byte[LargestStatfs]);
        _ = isNative || c.Abi.Is64 ? StatfsLayout.Native(ref w, stat) : StatfsLayout.Large(ref w, stat);
        return c.Write(c[resultIndex], w.Written);
    }
}
