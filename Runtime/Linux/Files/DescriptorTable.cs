using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Files;

/// <summary>The descriptors of a process.</summary>
sealed class DescriptorTable
{
    /// <summary>RLIMIT_NOFILE.</summary>
    public const int Limit = 1024;

    readonly Lock _lock = new();
    readonly Entry[] _entries = new Entry[Limit];
    int _users = 1;

    struct Entry
    {
        public OpenFile? File;
        public bool CloseOnExec;
    }

    /// <summary>The open file of a descriptor, or null (EBADF).</summary>
    public OpenFile? this[int descriptor]
    {
        get
        {
            lock (_lock)
            {
                return (uint)descriptor < Limit ? _entries[descriptor].File : null;
            }
        }
    }

    /// <summary>Open descriptors in order.</summary>
    public List<int> Open
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Range(0, Limit).Where(i => _entries[i].File != null)];
            }
        }
    }

    /// <summary>The open files, each once, in the order of their lowest descriptors.</summary>
    public IEnumerable<OpenFile> Files => Open.Select(i => this[i]!).Distinct();

    /// <summary>Gives a file the lowest free descriptor and takes over the caller's reference. Without one: EMFILE.</summary>
    public long Add(OpenFile file, bool closeOnExec, int minimum = 0)
    {
        lock (_lock)
        {
            for (int i = minimum; i < Limit; i++)
            {
                if (_entries[i].File == null)
                {
                    _entries[i] = new Entry { File = file, CloseOnExec = closeOnExec };
                    return i;
                }
            }
        }

        file.Release();
        return -Errno.EMFILE;
    }

    /// <summary>Puts a file in the place of a descriptor (dup2) and takes over the caller's reference.</summary>
    public void Replace(int descriptor, OpenFile file, bool closeOnExec)
    {
        OpenFile? old;
        lock (_lock)
        {
            old = _entries[descriptor].File;
            _entries[descriptor] = new Entry { File = file, CloseOnExec = closeOnExec };
        }

        old?.Release();
    }

    /// <summary>Closes a descriptor. False: it is not open.</summary>
    public bool Close(int descriptor)
    {
        OpenFile? old = null;
        lock (_lock)
        {
            if ((uint)descriptor < Limit)
            {
                old = _entries[descriptor].File;
                _entries[descriptor] = default;
            }
        }

        old?.Release();
        return old != null;
    }

    public bool GetCloseOnExec(int descriptor)
    {
        lock (_lock)
        {
            return _entries[descriptor].CloseOnExec;
        }
    }

    public void SetCloseOnExec(int descriptor, bool value)
    {
        lock (_lock)
        {
            if (_entries[descriptor].File != null)
            {
                _entries[descriptor].CloseOnExec = value;
            }
        }
    }

    /// <summary>A copy for fork: the same open files under the same numbers.</summary>
    public DescriptorTable Clone()
    {
        DescriptorTable copy = new();
        lock (_lock)
        {
            for (int i = 0; i < Limit; i++)
            {
                copy._entries[i] = _entries[i];
                copy._entries[i].File?.AddReference();
            }
        }

        return copy;
    }

    /// <summary>Makes the descriptors those of a saved clone.</summary>
    public void RestoreFrom(DescriptorTable saved)
    {
        List<OpenFile> replaced = [];
        lock (_lock)
        {
            for (int i = 0; i < Limit; i++)
            {
                (Entry wanted, Entry found) = (saved._entries[i], _entries[i]);
                if (wanted.File == found.File && wanted.CloseOnExec == found.CloseOnExec)
                {
                    continue;
                }

                wanted.File?.AddReference();
                _entries[i] = wanted;
                if (found.File != null)
                {
                    replaced.Add(found.File);
                }
            }
        }

        replaced.ForEach(file => file.Release());
    }

    /// <summary>Another process shares the table (CLONE_FILES).</summary>
    public DescriptorTable AddUser()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>The table that execve goes on with: not shared any more, without what is closed on exec.</summary>
    public DescriptorTable ForExec()
    {
        DescriptorTable table = this;
        if (Volatile.Read(ref _users) > 1)
        {
            table = Clone();
            ReleaseUser();
        }

        for (int i = 0; i < Limit; i++)
        {
            if (table.GetCloseOnExec(i))
            {
                table.Close(i);
            }
        }

        return table;
    }

    /// <summary>A process is done with it; the last one closes everything.</summary>
    public void ReleaseUser()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            for (int i = 0; i < Limit; i++)
            {
                Close(i);
            }
        }
    }
}
