using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>
/// An open file description: what dup and fork share. Descriptors of guest processes refer to it, and the last one that goes closes it. The
/// base class answers for a file that knows none of the operations.
/// </summary>
abstract class OpenFile(string path, OpenFlags flags)
{
    int _references = 1;

    /// <summary>Path in the guest, or a name such as "pipe:[3]".</summary>
    public string Path { get; } = path;

    /// <summary>Access mode and status flags as the guest set them.</summary>
    public OpenFlags Flags { get; private set; } = flags;

    public bool IsReadable => (Flags & OpenFlags.Path) == 0 && (Flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly;

    public bool IsWritable => (Flags & OpenFlags.Path) == 0 && (Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly;

    public bool IsNonBlocking => (Flags & OpenFlags.NonBlocking) != 0;

    /// <summary>Nobody refers to it any more.</summary>
    public bool IsClosed => Volatile.Read(ref _references) == 0;

    /// <summary>The descriptor of the host, for files that have one.</summary>
    public virtual HostFile? Host => null;

    /// <summary>Whether reading and writing can wait, so that poll is needed.</summary>
    public virtual bool MayWait => false;

    /// <summary>The file as the start of paths, when it is a directory.</summary>
    public virtual GuestDirectory? Directory => null;

    public abstract long Stat(out HostStatx stat);

    public virtual long Read(GuestThread thread, Span<byte> buffer) => -Errno.EINVAL;

    public virtual long Write(GuestThread thread, ReadOnlySpan<byte> buffer) => -Errno.EINVAL;

    public virtual long ReadAt(Span<byte> buffer, long offset) => -Errno.ESPIPE;

    public virtual long WriteAt(ReadOnlySpan<byte> buffer, long offset) => -Errno.ESPIPE;

    /// <summary>Where reading and writing go on, or a negated error number.</summary>
    public virtual long Position => Seek(0, 1);

    public virtual long Seek(long offset, int whence) => -Errno.ESPIPE;

    /// <summary>Fills a buffer with linux_dirent64 records.</summary>
    public virtual long ReadEntries(Span<byte> buffer) => -Errno.ENOTDIR;

    /// <summary>F_SETFL.</summary>
    public virtual long SetFlags(OpenFlags flags)
    {
        Flags = Flags & ~OpenFlags.Changeable | flags & OpenFlags.Changeable;
        return 0;
    }

    public OpenFile AddReference()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Close();
        }
    }

    protected virtual void Close()
    {
    }
}
