using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>
/// Both ends of a pipe, or of a pair of sockets, that are open where runs begin. A saved table of descriptors knows them without holding them open: a run that closes one of them lets the other
/// one find the end, and the next run has both again.
/// </summary>
sealed class QueueEnds : IDisposable
{
    readonly DescriptorTable _saved;
    readonly HostOpenFile _first, _second;
    readonly int _socketType;

    QueueEnds(DescriptorTable saved, HostOpenFile first, HostOpenFile second)
    {
        (_saved, _first, _second) = (saved, first, second);
        _socketType = first.IsSocket ? HostCalls.SocketType(first.Host) : 0;
        ForEachReference(end => end.Release());
    }

    /// <summary>The pairs in a saved table.</summary>
    public static QueueEnds[] In(DescriptorTable saved) =>
    [
        .. saved.Files.OfType<HostOpenFile>().Where(file => file.Queue != null).GroupBy(file => file.Queue)
            .Select(ends => ends.OrderBy(end => end.Flags & OpenFlags.AccessMode).ToArray()).Where(ends => ends.Length == 2).Select(ends => new QueueEnds(saved, ends[0], ends[1])),
    ];

    /// <summary>Connects the ends when one has been closed or shut down, before the table is restored. What waited in them is lost then.</summary>
    /// <exception cref="IOException">The host has no descriptors left.</exception>
    public void Restore()
    {
        if (_first.IsClosed || _second.IsClosed || (_first.IsSocket && IsShutDown()))
        {
            (HostFile First, HostFile Second)? ends = _first.IsPipe ? HostCalls.Pipe(out long error) : HostCalls.SocketPair(_socketType, out error);
            (HostFile first, HostFile second) = ends ?? throw new IOException($"The host gives no pipe ({Errno.Name((int)-error)}).");
            _first.Renew(first);
            _second.Renew(second);
        }
    }

    /// <summary>Lets the table be released like any other.</summary>
    public void Dispose() => ForEachReference(end => end.AddReference());

    bool IsShutDown()
    {
        Span<HostPollEntry> entries = [new(_first.Host.Descriptor, Poll.ReadHangUp, 0), new(_second.Host.Descriptor, Poll.ReadHangUp, 0)];
        return HostCalls.Poll(entries, 0) > 0;
    }

    void ForEachReference(Action<HostOpenFile> act)
    {
        foreach (int descriptor in _saved.Open)
        {
            if (_saved[descriptor] is HostOpenFile file && (file == _first || file == _second))
            {
                act(file);
            }
        }
    }
}
