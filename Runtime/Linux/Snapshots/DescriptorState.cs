using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Snapshots;

/// <summary>
/// The descriptors of a process as data. Standard streams are those of whoever goes on with the program; files, directories and devices are opened again by their paths; files that have no
/// name any more, pipes, pairs of sockets and event counters are kept with their contents. What leads out of the program in another way cannot be kept (<see cref="Problem"/>).
/// </summary>
sealed class DescriptorState(GuestProcess process) : IStateful
{
    /// <summary>The largest file without a name.</summary>
    const int MostContents = 64 << 20;
    const int SeekFromStart = 0;

    /// <summary>What opening a file once more must not do again.</summary>
    const OpenFlags Once = OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate | OpenFlags.TemporaryFile;

    enum FileState : byte
    {
        Stream,
        Path,
        Contents,
        Queue,
        Counter,
        Lost,
    }

    /// <summary>The standard streams that the program is given.</summary>
    readonly OpenFile?[] _streams = [.. Enumerable.Range(0, 3).Select(i => process.Descriptors[i])];

    /// <summary>Why a descriptor cannot be kept, in a sentence; null when all can.</summary>
    public string? Problem()
    {
        foreach (int descriptor in process.Descriptors.Open)
        {
            OpenFile file = process.Descriptors[descriptor]!;
            if (StateOf(file) == FileState.Lost)
            {
                return $"its descriptor {descriptor} is {PathText.ToUnicode(file.Path)}, which leads out of it";
            }

            if (StateOf(file) == FileState.Contents && file.Stat(out HostStatx stat) >= 0 && stat.Size > MostContents)
            {
                return $"its descriptor {descriptor} is a file without a name of {stat.Size} bytes";
            }

            if (StateOf(file) == FileState.Queue && QueueState.Problem(EndsOf(((HostOpenFile)file).Queue!.Value)) is { } problem)
            {
                return $"its descriptor {descriptor} is {problem}";
            }
        }

        return null;
    }

    public void Transfer(StateTransfer state)
    {
        List<int> descriptors = process.Descriptors.Open;
        List<OpenFile> files = [.. descriptors.Select(i => process.Descriptors[i]!).Distinct()];
        int fileCount = state.Count(files.Count, DescriptorTable.Limit);
        if (state.IsRestoring)
        {
            Restore(state, fileCount);
            return;
        }

        int[] queues = [.. files.OfType<HostOpenFile>().Where(file => StateOf(file) == FileState.Queue).Select(file => file.Queue!.Value).Distinct()];
        state.Count(queues.Length, DescriptorTable.Limit);
        foreach (int number in queues)
        {
            QueueState.Save(state, QueueState.Of(EndsOf(number)));
        }

        files.ForEach(file => Save(state, file));
        state.Count(descriptors.Count, DescriptorTable.Limit);
        foreach (int descriptor in descriptors)
        {
            state.Value(descriptor);
            state.Value(files.IndexOf(process.Descriptors[descriptor]!));
            state.Value(process.Descriptors.GetCloseOnExec(descriptor));
        }
    }

    static FileState StateOf(OpenFile file)
    {
        if (file is not HostOpenFile host)
        {
            return file is VirtualDirectoryFile ? FileState.Path : FileState.Lost;
        }

        if (host.Stream != null)
        {
            return FileState.Stream;
        }

        if (host.Queue != null || host.IsCounter)
        {
            return host.IsCounter ? FileState.Counter : FileState.Queue;
        }

        return HostCalls.Stat(host.Host, out HostStatx stat) < 0 ? FileState.Lost : stat.Kind switch
        {
            FileKind.Regular when stat.Links == 0 || host.Node is VirtualText => FileState.Contents,
            FileKind.Regular or FileKind.Directory => FileState.Path,
            FileKind.CharacterDevice when host.Node is VirtualDevice => FileState.Path,
            _ => FileState.Lost,
        };
    }

    static void Save(StateTransfer state, OpenFile file)
    {
        FileState kind = StateOf(file);
        state.Value((byte)kind);
        if (kind == FileState.Stream)
        {
            // What has been written so far is elsewhere; what has been read counts.
            state.Value(((HostOpenFile)file).Stream!.Value);
            state.Value(file is HostOpenFile { Stream: 0, IsRegular: true } ? file.Position : -1);
            return;
        }

        state.Value((int)file.Flags);
        if (kind == FileState.Queue)
        {
            state.Value(((HostOpenFile)file).Queue!.Value);
            return;
        }

        if (kind == FileState.Counter)
        {
            state.Value(((HostOpenFile)file).IsSemaphore);
            state.Value(HostCalls.EventCount(file.Host!));
            return;
        }

        state.Path(file.Path);
        if (kind == FileState.Lost)
        {
            return;
        }

        bool isRegular = file is HostOpenFile { IsRegular: true };
        state.Value(file.Position);
        long size = isRegular && file.Stat(out HostStatx stat) >= 0 ? (long)stat.Size : -1;
        if (kind == FileState.Path)
        {
            state.Value(size);
            return;
        }

        byte[] contents = new byte[Math.Clamp(HostCalls.Stat(file.Host!, out stat) < 0 ? 0 : (long)stat.Size, 0, MostContents)];
        FileReader.Read(file.Host!, 0, contents);
        state.Block(contents, MostContents);
    }

    void Restore(StateTransfer state, int fileCount)
    {
        List<OpenFile> files = [];
        Dictionary<int, QueueState> queues = [];
        DescriptorTable table = new();
        try
        {
            int queueCount = state.Count(0, DescriptorTable.Limit);
            for (int i = 0; i < queueCount; i++)
            {
                QueueState queue = QueueState.Restore(state);
                bool isNew = queues.TryAdd(queue.Number, queue);
                if (!isNew)
                {
                    queue.Close();
                }

                state.Require(isNew && queue.Number <= process.System.QueueCount);
            }

            for (int i = 0; i < fileCount; i++)
            {
                files.Add(Open(state, queues));
            }

            int count = state.Count(0, DescriptorTable.Limit);
            for (int i = 0; i < count; i++)
            {
                int descriptor = state.Value(0), index = state.Value(0);
                bool closeOnExec = state.Value(false);
                state.Require(descriptor is >= 0 and < DescriptorTable.Limit && index >= 0 && index < files.Count);
                table.Replace(descriptor, files[index].AddReference(), closeOnExec);
            }

            process.Descriptors.RestoreFrom(table);
        }
        finally
        {
            foreach (QueueState queue in queues.Values)
            {
                queue.Close();
            }

            table.ReleaseUser();
            files.ForEach(file => file.Release());
        }
    }

    /// <summary>The open files of a pipe or pair of sockets.</summary>
    List<HostOpenFile> EndsOf(int queue) => [.. process.Descriptors.Files.OfType<HostOpenFile>().Where(file => file.Queue == queue)];

    OpenFile Open(StateTransfer state, Dictionary<int, QueueState> queues)
    {
        byte kind = state.Value((byte)0);
        state.Require(kind < (byte)FileState.Lost);
        if (kind == (byte)FileState.Stream)
        {
            int stream = state.Value(0);
            long read = state.Value(0L);
            state.Require(stream >= 0 && stream < _streams.Length);
            OpenFile given = _streams[stream] ?? throw new SnapshotException($"The program of the snapshot has a standard stream {stream}, which is not there.");
            if (read >= 0 && given is HostOpenFile { IsRegular: true })
            {
                given.Seek(read, SeekFromStart);
            }

            return given.AddReference();
        }

        OpenFlags flags = (OpenFlags)state.Value(0) & ~Once;
        if (kind == (byte)FileState.Queue)
        {
            bool isThere = queues.TryGetValue(state.Value(0), out QueueState? queue);
            state.Require(isThere);
            return queue!.Open(state, flags);
        }

        if (kind == (byte)FileState.Counter)
        {
            bool isSemaphore = state.Value(false);
            ulong count = state.Value(0UL);
            state.Require(count < ulong.MaxValue && (flags & OpenFlags.AccessMode) == OpenFlags.ReadWrite);
            return Count(flags, isSemaphore, count);
        }

        string path = state.Path("");
        long position = state.Value(0L);
        OpenFile file = kind == (byte)FileState.Path ? Reopen(path, flags, state.Value(0L)) : Recreate(path, flags, state.Block([], MostContents));
        if (position >= 0)
        {
            file.Seek(position, SeekFromStart);
        }

        return file;
    }

    static HostOpenFile Count(OpenFlags flags, bool isSemaphore, ulong count)
    {
        HostFile host = HostCalls.EventCounter(0, isSemaphore);
        HostCalls.Count(host, count);
        return new HostOpenFile(host, HostOpenFile.EventCounterPath, flags, isSemaphore: isSemaphore);
    }

    OpenFile Reopen(string path, OpenFlags flags, long size)
    {
        (OpenFile? file, long error) = FileOpener.Open(process, process.Files.WorkingDirectory, path, flags, 0);
        if (file == null)
        {
            throw new SnapshotException($"The program of the snapshot has {PathText.ToUnicode(path)} open, which cannot be opened ({Errno.Name((int)-error)}).");
        }

        long found = file is HostOpenFile { IsRegular: true } && file.Stat(out HostStatx stat) >= 0 ? (long)stat.Size : -1;
        if (found != size)
        {
            file.Release();
            throw new SnapshotException($"{PathText.ToUnicode(path)} is not the file that the program of the snapshot has open: its size is another one.");
        }

        return file;
    }

    HostOpenFile Recreate(string path, OpenFlags flags, byte[] contents)
    {
        HostFile host = HostCalls.MemoryFile("file", 0, out _) ?? throw new SnapshotException("The host has no memory for a file of the snapshot's program.");
        HostCalls.WriteAt(host, contents, 0);
        using Location? location = process.Paths.Resolve(process.Files.WorkingDirectory, path, true, out _);
        return new HostOpenFile(host, path, flags, node: location?.Node as VirtualText);
    }
}
