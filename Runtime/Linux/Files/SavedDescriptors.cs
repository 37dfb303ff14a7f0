using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Files;

/// <summary>The descriptors of a process where runs begin, with what there is to their files: positions, flags, what waits in pipes and whose ends are open.</summary>
sealed class SavedDescriptors : IDisposable
{
    const int SeekFromStart = 0;

    readonly DescriptorTable _table, _saved;
    readonly (OpenFile File, OpenFlags Flags, long Position)[] _files;
    readonly QueueContents[] _queues;
    readonly QueueEnds[] _ends;
    readonly (EventPollFile, EventPollFile.Entry[])[] _polls;

    /// <summary>Saves a table and goes on with it.</summary>
    /// <exception cref="LinuxLoadException">Something waits in a socket, which cannot be put there again.</exception>
    public SavedDescriptors(DescriptorTable table)
    {
        _files = [.. table.Files.Select(file => (file, file.Flags, file.MayWait ? -1 : file.Position))];
        _queues = [.. table.Files.OfType<HostOpenFile>().Where(file => file.IsOwnQueue).Select(file => new QueueContents(file))];
        _polls = [.. table.Files.OfType<EventPollFile>().Select(poll => (poll, poll.Save()))];
        (_table, _saved) = (table, table.Clone());
        _ends = QueueEnds.In(_saved);
    }

    public void Restore()
    {
        foreach (QueueEnds ends in _ends)
        {
            ends.Restore();
        }

        _table.RestoreFrom(_saved);
        foreach ((OpenFile file, OpenFlags flags, long position) in _files)
        {
            if (file.Flags != flags)
            {
                file.SetFlags(flags);
            }

            if (position >= 0)
            {
                file.Seek(position, SeekFromStart);
            }
        }

        foreach (QueueContents queue in _queues)
        {
            queue.Restore();
        }

        EventPollFile.Restore(_polls);
    }

    public void Dispose()
    {
        foreach (QueueEnds ends in _ends)
        {
            ends.Dispose();
        }

        _saved.ReleaseUser();
    }
}
