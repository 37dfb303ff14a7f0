using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>An epoll instance: one of the host, and what the guest has put into it, so that it can be made once more.</summary>
sealed class EventPollFile(HostFile host) : OpenFile("anon_inode:[eventpoll]", OpenFlags.ReadWrite)
{
    /// <summary>struct epoll_event of the guest: events, and what it stores with them.</summary>
    public const int GuestEventSize = 12;

    const int Add = 1, Delete = 2, Modify = 3, FewEntries = 64;
    const uint OneShot = 1 << 30;

    readonly Lock _lock = new();
    readonly Dictionary<ulong, Entry> _entries = [];
    HostFile _host = host;
    ulong _lastNumber;
    int _manyEntries = FewEntries;

    /// <summary>A file that is watched.</summary>
    /// <param name="Descriptor">Its descriptor when it was put in.</param>
    /// <param name="File">The file.</param>
    /// <param name="Events">What is looked for.</param>
    /// <param name="Data">What the guest stores with it.</param>
    /// <param name="IsDisarmed">It has been reported once, and was to be reported only once.</param>
    /// <param name="IsInHost">The host's instance has it; not, after <see cref="Restore"/>, when it is disarmed.</param>
    public readonly record struct Entry(int Descriptor, OpenFile File, uint Events, ulong Data, bool IsDisarmed, bool IsInHost);

    public override HostFile Host => _host;

    public override bool MayWait => true;

    /// <summary>struct epoll_event is packed in x86 only.</summary>
    static int HostEventSize => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? GuestEventSize : 16;

    public override long Stat(out HostStatx stat) => HostCalls.Stat(_host, out stat);

    /// <summary>epoll_ctl. Returns 0 or a negated error number.</summary>
    public long Control(int operation, int descriptor, OpenFile file, ReadOnlySpan<byte> wish)
    {
        lock (_lock)
        {
            (ulong number, Entry entry) = _entries.FirstOrDefault(pair => pair.Value.Descriptor == descriptor && pair.Value.File == file);
            bool isKnown = number != 0;
            number = isKnown ? number : _lastNumber + 1;
            (uint events, ulong data) = operation == Delete ? (0, 0) : (BinaryPrimitives.ReadUInt32LittleEndian(wish), BinaryPrimitives.ReadUInt64LittleEndian(wish[4..]));
            bool isAway = isKnown && !entry.IsInHost && operation != Add;
            long result = isAway && operation == Delete ? 0
                : isKnown && operation == Add ? -Errno.EEXIST
                : Control(isAway ? Add : operation, file, events, number);
            if (result < 0)
            {
                return result;
            }

            if (operation == Delete)
            {
                _entries.Remove(number);
                return 0;
            }

            ForgetClosed();
            _lastNumber = Math.Max(_lastNumber, number);
            _entries[number] = new Entry(descriptor, file, events, data, false, true);
            return 0;
        }
    }

    /// <summary>Takes events that there are now, as structures of the guest; returns how many, or a negated error number.</summary>
    public long Take(Span<byte> guest)
    {
        int size = HostEventSize, count = guest.Length / GuestEventSize, taken = 0;
        byte[] events = new byte[count * size];
        long ready = HostCalls.Result(Libc.WaitEventPoll(_host, events, count, 0));
        lock (_lock)
        {
            for (int i = 0; i < ready; i++)
            {
                ReadOnlySpan<byte> source = events.AsSpan(i * size, size);
                ulong number = BinaryPrimitives.ReadUInt64LittleEndian(source[(size - sizeof(ulong))..]);
                if (_entries.TryGetValue(number, out Entry entry) && !entry.File.IsClosed)
                {
                    _entries[number] = entry with { IsDisarmed = (entry.Events & OneShot) != 0 };
                    Span<byte> target = guest.Slice(taken++ * GuestEventSize, GuestEventSize);
                    source[..sizeof(uint)].CopyTo(target);
                    BinaryPrimitives.WriteUInt64LittleEndian(target[sizeof(uint)..], entry.Data);
                }
            }
        }

        return ready < 0 ? ready : taken;
    }

    /// <summary>What is watched now.</summary>
    public Entry[] Save()
    {
        lock (_lock)
        {
            return [.. _entries.OrderBy(pair => pair.Key).Select(pair => pair.Value).Where(entry => !entry.File.IsClosed)];
        }
    }

    /// <summary>
    /// Makes instances that watch the same files; what is ready is reported anew. They are made before anything is put in: one may watch another.
    /// </summary>
    /// <exception cref="IOException">The host has no descriptors left.</exception>
    public static void Restore(IReadOnlyList<(EventPollFile Poll, Entry[] Entries)> saved)
    {
        foreach ((EventPollFile poll, _) in saved)
        {
            HostFile fresh = HostCalls.EventPoll(out long error) ?? throw new IOException($"The host gives no epoll instance ({Errno.Name((int)-error)}).");
            poll._host.Dispose();
            (poll._host, poll._lastNumber) = (fresh, 0);
            poll._entries.Clear();
        }

        foreach ((EventPollFile poll, Entry[] entries) in saved)
        {
            foreach (Entry entry in entries)
            {
                ulong number = ++poll._lastNumber;
                bool isInHost = !entry.IsDisarmed && poll.Control(Add, entry.File, entry.Events, number) == 0;
                poll._entries[number] = entry with { IsInHost = isInHost };
            }
        }
    }

    protected override void Close() => _host.Dispose();

    long Control(int operation, OpenFile file, uint events, ulong number)
    {
        Span<byte> host = stackalloc byte[16];
        host.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(host, events);
        BinaryPrimitives.WriteUInt64LittleEndian(host[(HostEventSize - sizeof(ulong))..], number);
        return HostCalls.Result(Libc.ControlEventPoll(_host, operation, file.Host!, host));
    }

    /// <summary>The host forgets files that are closed by itself.</summary>
    void ForgetClosed()
    {
        if (_entries.Count < _manyEntries)
        {
            return;
        }

        foreach ((ulong number, _) in _entries.Where(pair => pair.Value.File.IsClosed).ToArray())
        {
            _entries.Remove(number);
        }

        _manyEntries = Math.Max(FewEntries, 2 * _entries.Count);
    }
}
