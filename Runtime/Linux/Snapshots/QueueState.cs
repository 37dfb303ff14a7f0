using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Snapshots;

/// <summary>A pipe, or a pair of sockets, that the program has made, as data: what waits in it, and who can still write. Both ends are in the program, or have been closed.</summary>
sealed class QueueState
{
    /// <summary>Bytes that may wait: the largest pipe that a host allows everybody.</summary>
    public const int MostContents = 1 << 20;

    const int Pipe = 0, Stream = 1, Datagrams = 2, Packets = 5;
    const int GetPipeSize = 1032, SetPipeSize = 1031, SmallestPipe = 4096;
    const int Peek = 2, DontWait = 0x40, CannotWrite = 1;

    int _type, _capacity;

    /// <summary>For each end, in the order of the files, what waits there and whether it cannot write any more. A pipe has one for both.</summary>
    readonly byte[][] _contents = [[], []];
    readonly bool[] _isShutDown = new bool[2];
    readonly PipeEnds _ends = new();
    HostFile? _first, _second;
    int _socketsOpened;

    QueueState()
    {
    }

    /// <summary>Numbers the pipes and sockets from 1 on.</summary>
    public int Number { get; private set; }

    /// <summary>Looks at a queue whose open files these are; nothing changes.</summary>
    public static QueueState Of(IReadOnlyList<HostOpenFile> files)
    {
        QueueState queue = new() { Number = files[0].Queue!.Value };
        if (files[0].IsPipe)
        {
            queue._capacity = (int)Math.Max(SmallestPipe, HostCalls.Result(Libc.Control(files[0].Host, GetPipeSize, 0)));
            queue._contents[0] = files.FirstOrDefault(file => file.IsReadable) is { } reader ? new QueueContents(reader).Bytes : [];
            return queue;
        }

        queue._type = HostCalls.SocketType(files[0].Host);
        for (int i = 0; i < files.Count; i++)
        {
            queue._contents[i] = Waiting(files[i].Host);
            queue._isShutDown[1 - i] = files.Count == 2 && (Ready(files[i].Host) & Poll.ReadHangUp) != 0;
        }

        return queue;
    }

    /// <summary>Why a queue cannot be kept, or null.</summary>
    public static string? Problem(IReadOnlyList<HostOpenFile> files)
    {
        foreach (HostOpenFile file in files)
        {
            bool isMessages = file.IsSocket && HostCalls.SocketType(file.Host) != Stream;
            int ready = Ready(file.Host);
            if (file.IsSocket && (ready & Poll.Error) != 0)
            {
                return "of a pair of sockets one of which was closed before it had read everything";
            }

            if (isMessages && (ready & (Poll.In | Poll.HangUp)) == Poll.In)
            {
                return "of a pair of sockets in which a message waits";
            }
        }

        return Of(files)._contents.Any(contents => contents.Length > MostContents) ? $"of a pipe or pair of sockets in which more than {MostContents} bytes wait" : null;
    }

    public static void Save(StateTransfer state, QueueState queue) => queue.Transfer(state);

    /// <summary>Makes the queue that has been saved.</summary>
    /// <exception cref="SnapshotException">It cannot be, or the host does not give it.</exception>
    public static QueueState Restore(StateTransfer state)
    {
        QueueState queue = new();
        queue.Transfer(state);
        state.Require(queue.Number > 0 && queue._type is Pipe or Stream or Datagrams or Packets);
        state.Require(queue._type == Stream || queue._contents[1].Length == 0 && (queue._type == Pipe || queue._contents[0].Length == 0));
        state.Require(queue._type == Pipe ? queue._capacity is >= SmallestPipe and <= MostContents && queue._contents[0].Length <= queue._capacity : queue._capacity == 0);
        queue.Connect();
        return queue;
    }

    /// <summary>One more of its open files. Of sockets there are two at most.</summary>
    public HostOpenFile Open(StateTransfer state, OpenFlags flags)
    {
        OpenFlags mode = flags & OpenFlags.AccessMode;
        if (_type == Pipe)
        {
            state.Require(mode != OpenFlags.AccessMode);
            HostFile end = HostCalls.Open(_first!.MagicPath, mode | OpenFlags.NonBlocking, out long error)
                ?? throw new SnapshotException($"The host does not open a pipe for the snapshot's program ({Errno.Name((int)-error)}).");
            return new HostOpenFile(end, $"pipe:[{Number}]", flags, queue: Number, ends: _ends);
        }

        state.Require(_socketsOpened < 2 && mode == OpenFlags.ReadWrite);
        HostFile socket = HostCalls.Duplicate((_socketsOpened++ == 0 ? _first : _second)!.Descriptor) ?? throw new SnapshotException("The host has no descriptors left for the snapshot's program.");
        return new HostOpenFile(socket, $"socket:[{Number}]", flags, queue: Number);
    }

    /// <summary>All its files are open: the other ends are closed.</summary>
    public void Close()
    {
        _first?.Dispose();
        _second?.Dispose();
    }

    void Transfer(StateTransfer state)
    {
        Number = state.Value(Number);
        state.Value(ref _type);
        state.Value(ref _capacity);
        for (int i = 0; i < _contents.Length; i++)
        {
            _contents[i] = state.Block(_contents[i], MostContents);
            state.Value(ref _isShutDown[i]);
        }
    }

    void Connect()
    {
        (HostFile First, HostFile Second)? ends = _type == Pipe ? HostCalls.Pipe(out long error) : HostCalls.SocketPair(_type, out error);
        (_first, _second) = ends ?? throw new SnapshotException($"The host gives no pipe or socket for the snapshot's program ({Errno.Name((int)-error)}).");
        bool isGood = _type != Pipe || HostCalls.Result(Libc.Control(_second, GetPipeSize, 0)) == _capacity || Libc.Control(_second, SetPipeSize, _capacity) >= _contents[0].Length;
        isGood &= Put(_contents[0], _second) && Put(_contents[1], _first);
        if (_isShutDown[0])
        {
            Libc.Shutdown(_first, CannotWrite);
        }

        if (_isShutDown[1])
        {
            Libc.Shutdown(_second, CannotWrite);
        }

        if (!isGood)
        {
            Close();
            throw new SnapshotException("The host has no room for what waits in a pipe or socket of the snapshot's program.");
        }
    }

    static bool Put(ReadOnlySpan<byte> bytes, HostFile end) => bytes.Length == 0 || HostCalls.Write(end, bytes) == bytes.Length;

    /// <summary>What waits in a stream socket.</summary>
    static byte[] Waiting(HostFile socket)
    {
        Span<byte> size = stackalloc byte[sizeof(int)];
        size.Clear();
        if (HostCalls.SocketType(socket) != Stream || Libc.DeviceControl(socket, Terminal.BytesReadable, size) < 0)
        {
            return [];
        }

        byte[] bytes = new byte[Math.Max(0, BinaryPrimitives.ReadInt32LittleEndian(size))];
        long count = bytes.Length == 0 ? 0 : HostCalls.Result(Libc.Receive(socket, bytes, bytes.Length, Peek | DontWait));
        return bytes[..(int)Math.Max(0, count)];
    }

    static short Ready(HostFile file)
    {
        Span<HostPollEntry> entries = [new(file.Descriptor, Poll.In | Poll.ReadHangUp, 0)];
        return HostCalls.Poll(entries, 0) > 0 ? entries[0].Returned : (short)0;
    }
}
