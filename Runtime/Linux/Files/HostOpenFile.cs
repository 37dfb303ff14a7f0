using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>An open file with a descriptor of the host behind it.</summary>
sealed class HostOpenFile : OpenFile
{
    /// <summary>What /proc/self/fd calls an eventfd.</summary>
    public const string EventCounterPath = "anon_inode:[eventfd]";

    /// <summary>The devices null, zero and full: nobody waits for them, though nothing else tells them from other devices.</summary>
    const uint MemoryDevices = 1;

    const int ReadingAndWriting = 2;

    readonly FileKind _kind;
    readonly bool _isEverReady;
    readonly VirtualNode? _node;
    HostFile _host;

    /// <summary>Wraps a descriptor.</summary>
    /// <param name="host">The descriptor; closed with this file.</param>
    /// <param name="path">Path in the guest.</param>
    /// <param name="flags">Flags as the guest knows them.</param>
    /// <param name="stream">Number of the standard stream that it is: the host process has it from elsewhere, so its flags are not ours to change.</param>
    /// <param name="node">The virtual file whose contents it shows; answers stat.</param>
    /// <param name="queue">Number of the pipe or pair of sockets of the guest's that it is an end of.</param>
    /// <param name="ends">If it is a pipe, who else has it open.</param>
    /// <param name="isSemaphore">It is an event counter that goes down by one with each read.</param>
    public HostOpenFile(HostFile host, string path, OpenFlags flags, int? stream = null, VirtualNode? node = null, int? queue = null, PipeEnds? ends = null, bool isSemaphore = false)
        : base(path, flags)
    {
        _host = host;
        (Stream, Queue, Ends, IsSemaphore) = (stream, queue, ends, isSemaphore);
        Ends?.Count(flags, 1);
        _node = node;
        _kind = HostCalls.Stat(host, out HostStatx stat) < 0 ? FileKind.Fifo : stat.Kind;
        _isEverReady = !MayWait || (_kind == FileKind.CharacterDevice && stat is { RawDeviceMajor: MemoryDevices, RawDeviceMinor: 3 or 5 or 7 });
        IsTerminal = _kind == FileKind.CharacterDevice && Libc.DeviceControl(host, Terminal.GetAttributes, stackalloc byte[Terminal.AttributesSize]) == 0;
    }

    public override HostFile Host => _host;

    /// <summary>Number of the standard stream that it is, or null.</summary>
    public int? Stream { get; }

    /// <summary>Number of the pipe or pair of sockets of the guest's that it is an end of, or null. Its inode, for the guest: the host's would be another one in each run.</summary>
    public int? Queue { get; }

    /// <summary>Who has the pipe of the guest's open that it is an end of, or null.</summary>
    public PipeEnds? Ends { get; }

    /// <summary>What poll says of a pipe whose other end has been closed.</summary>
    public short EndEvents => Ends == null ? (short)0 : IsReadable && Ends.HasNoWriter ? Poll.HangUp : IsWritable && Ends.HasNoReader ? Poll.Error : (short)0;

    /// <summary>An event counter, by eventfd.</summary>
    public bool IsCounter => Path == EventCounterPath;

    /// <summary>An event counter that goes down by one with each read.</summary>
    public bool IsSemaphore { get; }

    /// <summary>The virtual file whose contents it shows, or null.</summary>
    public VirtualNode? Node => _node;

    /// <summary>An anonymous descriptor (eventfd, epoll) has no file type at all, and can wait.</summary>
    public override bool MayWait => _kind is not (FileKind.Regular or FileKind.Directory or FileKind.BlockDevice or FileKind.SymbolicLink);

    public bool IsTerminal { get; }

    public bool IsRegular => _kind == FileKind.Regular;

    public bool IsSocket => _kind == FileKind.Socket;

    public bool IsPipe => _kind == FileKind.Fifo;

    /// <summary>The guest has made it and reads from it what it has put in: a pipe, a socket, an event counter.</summary>
    public bool IsOwnQueue => IsCounter || (Queue != null && IsReadable);

    /// <summary>Puts another descriptor of the host in the place of its own.</summary>
    public void Renew(HostFile host)
    {
        if (IsClosed)
        {
            Ends?.Count(Flags, 1);
        }

        _host.Dispose();
        _host = host;
    }

    public override GuestDirectory? Directory => _kind == FileKind.Directory ? new GuestDirectory(Path, _host, null) : null;

    public override long Stat(out HostStatx stat)
    {
        long result = _node != null ? _node.Stat(Path, out stat) : HostCalls.Stat(_host, out stat);
        if (Queue is { } number)
        {
            stat.Inode = (ulong)number;
            stat.AccessTime = stat.ChangeTime = stat.ModificationTime = stat.BirthTime = default;
        }

        return result;
    }

    public override long Read(GuestThread thread, Span<byte> buffer)
    {
        if (_node is VirtualDevice { IsRandom: true } && thread.System.RandomState != 0)
        {
            thread.System.FillRandom(buffer);
            return buffer.Length;
        }

        if (_isEverReady)
        {
            return HostCalls.Read(_host, buffer);
        }

        if (Ends is { HasNoWriter: true })
        {
            return HostCalls.Read(_host, buffer) is var rest and not -Errno.EAGAIN ? rest : 0;
        }

        while (true)
        {
            long ready = thread.WaitFor(this, Poll.In, IsNonBlocking);
            if (ready < 0)
            {
                return ready;
            }

            long count = HostCalls.Read(_host, buffer);
            if (count != -Errno.EAGAIN || IsNonBlocking && !thread.WaitsForHost(this))
            {
                return count;
            }
        }
    }

    public override long Write(GuestThread thread, ReadOnlySpan<byte> buffer) => Write(thread, buffer, IsNonBlocking);

    /// <summary>Writes; whether it may wait is the caller's choice (MSG_DONTWAIT).</summary>
    public long Write(GuestThread thread, ReadOnlySpan<byte> buffer, bool isNonBlocking)
    {
        if (_isEverReady)
        {
            return HostCalls.Write(_host, buffer);
        }

        if (Ends is { HasNoReader: true })
        {
            return -Errno.EPIPE;
        }

        int total = 0;
        isNonBlocking &= !thread.WaitsForHost(this);
        do
        {
            long result = thread.WaitFor(this, Poll.Out, isNonBlocking);
            if (result >= 0)
            {
                result = HostCalls.Write(_host, buffer[total..]);
            }

            if (result < 0 && (result != -Errno.EAGAIN || isNonBlocking))
            {
                return total > 0 ? total : result;
            }

            total += (int)Math.Max(result, 0);
        }
        while (total < buffer.Length && !isNonBlocking);

        return total;
    }

    public override long ReadAt(Span<byte> buffer, long offset) => HostCalls.ReadAt(_host, buffer, offset);

    public override long WriteAt(ReadOnlySpan<byte> buffer, long offset) => HostCalls.WriteAt(_host, buffer, offset);

    public override long Seek(long offset, int whence) => HostCalls.Result(Libc.Seek(_host, offset, whence));

    public override long ReadEntries(Span<byte> buffer) => HostCalls.DirectoryEntries(_host, buffer);

    public override long SetFlags(OpenFlags flags)
    {
        // Waiting is our own business (WaitFor), so the host's O_NONBLOCK of a pipe stays as it is.
        if (Stream == null && !MayWait)
        {
            long result = HostCalls.SetFlags(_host, flags & OpenFlags.Changeable);
            if (result < 0)
            {
                return result;
            }
        }

        return base.SetFlags(flags);
    }

    protected override void Close()
    {
        Ends?.Count(Flags, -1);
        if (Queue != null && IsSocket)
        {
            // As with pipes, the host may have it open for a moment longer.
            Libc.Shutdown(_host, ReadingAndWriting);
        }

        _host.Dispose();
    }
}
