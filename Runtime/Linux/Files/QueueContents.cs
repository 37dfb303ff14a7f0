using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>What waits to be read from a pipe, a socket or an event counter of the guest, so that a run finds there what the first one found.</summary>
sealed class QueueContents
{
    const int Chunk = 1 << 16;

    readonly HostOpenFile _file;
    readonly byte[] _bytes = [];
    readonly ulong _count;

    /// <summary>Looks; nothing changes.</summary>
    /// <exception cref="LinuxLoadException">Something waits in a socket, into which only its other end could put it back.</exception>
    public QueueContents(HostOpenFile file)
    {
        _file = file;
        if (file.IsCounter)
        {
            _count = HostCalls.EventCount(file.Host);
            return;
        }

        _bytes = [.. Take()];
        if (_bytes.Length > 0 && file.IsSocket)
        {
            throw new LinuxLoadException("The program has sent something through a socket of its own that it has not received when it comes to its input; a run cannot begin there.");
        }

        PutBack();
    }

    /// <summary>What waits in a pipe.</summary>
    public byte[] Bytes => _bytes;

    /// <summary>Makes the contents what they were.</summary>
    public void Restore()
    {
        if (_file.IsCounter)
        {
            SetCounter();
            return;
        }

        if (Take().Count > 0 || _bytes.Length > 0)
        {
            PutBack();
        }
    }

    void SetCounter()
    {
        ulong now = HostCalls.EventCount(_file.Host);
        if (now > _count && _file.IsSemaphore)
        {
            // Reading would set it back by one, and a guest may have counted to any number.
            _file.Renew(HostCalls.EventCounter(0, semaphore: true));
            now = 0;
        }
        else if (now > _count)
        {
            HostCalls.SetBack(_file.Host);
            now = 0;
        }

        if (now < _count)
        {
            HostCalls.Count(_file.Host, _count - now);
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

        // What reads a pipe does not write it.
        using HostFile? end = HostCalls.Open(_file.Host.MagicPath, OpenFlags.WriteOnly | OpenFlags.NonBlocking, out _);
        HostCalls.Write(end!, _bytes);
    }
}
