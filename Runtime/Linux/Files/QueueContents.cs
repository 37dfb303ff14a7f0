using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>What waits to be read from a pipe, a socket or an event counter of the guest, so that a run finds there what the first one found.</summary>
sealed class QueueContents
{
    const int Chunk = 1 << 16;

    readonly HostOpenFile _file;
    readonly byte[] _bytes;

    /// <summary>Looks; nothing changes.</summary>
    /// <exception cref="LinuxLoadException">Something waits in a socket, into which only its other end could put it back.</exception>
    public QueueContents(HostOpenFile file)
    {
        _file = file;
        _bytes = [.. Take()];
        if (_bytes.Length > 0 && file.IsSocket)
        {
            throw new LinuxLoadException("The program has sent something through a socket of its own that it has not received when it comes to its input; a run cannot begin there.");
        }

        PutBack();
    }

    /// <summary>Makes the contents what they were.</summary>
    public void Restore()
    {
        if (Take().Count > 0 || _bytes.Length > 0)
        {
            PutBack();
        }
    }

    List<byte> Take()
    {
        List<byte> taken = [];
        byte[] buffer = new byte[Chunk];
        Span<HostPollEntry> entries = [default];
        while (true)
        {
            entries[0] = new HostPollEntry(_file.Host.Descriptor, Poll.In, 0);
            if (HostCalls.Poll(entries, 0) <= 0 || (entries[0].Returned & Poll.In) == 0 || HostCalls.Read(_file.Host, buffer) is not (> 0 and long count))
            {
                return taken;
            }

            taken.AddRange(buffer.AsSpan(0, (int)count));
        }
    }

    void PutBack()
    {
        if (_bytes.Length == 0)
        {
            return;
        }

        // What reads a pipe does not write it; an event counter does both, and adds up.
        using HostFile? end = _file.IsPipe ? HostCalls.Open(_file.Host.MagicPath, OpenFlags.WriteOnly | OpenFlags.NonBlocking, out _) : null;
        for (int i = 0; i < _bytes.Length; i += _file.IsPipe ? _bytes.Length : sizeof(ulong))
        {
            HostCalls.Write(end ?? _file.Host, _file.IsPipe ? _bytes : _bytes.AsSpan(i, sizeof(ulong)));
        }
    }
}
