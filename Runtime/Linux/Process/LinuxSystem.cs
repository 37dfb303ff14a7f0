using System.Buffers.Binary;
using System.Security.Cryptography;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.SystemCalls;

namespace FastVcpu.Linux.Process;

/// <summary>What the guest processes of one run have in common: the tree of processes, the root directory, the terminal, the trace.</summary>
sealed partial class LinuxSystem : IDisposable
{
    /// <summary>Number of the process that is the program itself.</summary>
    public const int FirstProcessId = 100;

    /// <summary>Files that are remembered to have been opened.</summary>
    const int MostOpened = 4096;

    /// <summary>Each thread of the guest is one of the host, with a CPU of its own.</summary>
    public const int MostThreads = 1000;

    /// <summary>Behind it, numbers of processes and threads begin again.</summary>
    public const int LastId = 4_000_000;

    /// <summary>Time is not skipped beyond it, so that there is always some left: 36 years.</summary>
    const long LatestTime = 1L << 60;

    readonly Dictionary<int, GuestProcess> _processes = [];
    int _queues;
    readonly HashSet<string> _unknownCalls = [];
    readonly SortedSet<string> _opened = new(StringComparer.Ordinal);
    int _nextId = FirstProcessId;
    int _running;
    int _threads;
    bool _isEnding;
    Exception? _failure;
    long _instructions;
    long _blocks;

    public LinuxSystem(LinuxOptions options, HostFile root)
    {
        Options = options;
        Root = root;
        RandomState = options.RandomSeed;
        Trace = options.SystemCallTrace is { } writer ? new SystemCallTrace(writer) : null;
        HardwareCapabilities = CpuIdentification.HardwareCapabilities(options.CpuModel);
        HardwareCapabilities2 = CpuIdentification.HardwareCapabilities2(options.CpuModel);
    }

    /// <summary>Guards the tree of processes and everything about signals. Taken before any other lock.</summary>
    public object Lock { get; } = new();

    public LinuxOptions Options { get; }

    /// <summary>The guest's root directory.</summary>
    public HostFile Root { get; }

    public SystemCallTrace? Trace { get; }

    public FutexTable Futexes { get; } = new();

    /// <summary>AT_HWCAP.</summary>
    public ulong HardwareCapabilities { get; }

    /// <summary>AT_HWCAP2.</summary>
    public ulong HardwareCapabilities2 { get; }

    /// <summary>The foreground process group of the terminal.</summary>
    public int ForegroundGroup { get; set; } = FirstProcessId;

    /// <summary>Instructions that ended threads have retired.</summary>
    public long Instructions => Interlocked.Read(ref _instructions);

    /// <summary>Blocks of code that ended vCPUs have decoded.</summary>
    public long Blocks => Interlocked.Read(ref _blocks);

    /// <summary>Processes that are there, by number. Under <see cref="Lock"/>.</summary>
    public IReadOnlyDictionary<int, GuestProcess> Processes => _processes;

    /// <summary>Whether the CPU model runs programs of an ABI.</summary>
    public bool CanRun(LinuxAbi abi) => !abi.Is64 || Options.CpuModel.Has(CpuFeature.Lm);

    /// <summary>The threads take turns on the embedder's thread and must not wait; null where each has a thread of the host.</summary>
    public Turns? Turns { get; set; }

    /// <summary>The network of a target that is a server, or null: there is none.</summary>
    public InputNetwork? Network { get; set; }

    /// <summary>The first process: the program itself.</summary>
    public GuestProcess Main { get; set; } = null!;

    /// <summary>The number that the next process or thread gets, if it is free.</summary>
    public int NextId
    {
        get => _nextId;
        set => _nextId = value;
    }

    /// <summary>Threads that there are.</summary>
    public int ThreadCount
    {
        get => _threads;
        set => _threads = value;
    }

    /// <summary>Calls that were refused because a target stays the program that it is: it gets EAGAIN.</summary>
    public HashSet<string> Refused { get; } = [];

    /// <summary>Where the sequence of random numbers stands, or 0.</summary>
    public ulong RandomState { get; set; }

    /// <summary>A clock of the system: the host's, or what the program is to take for it.</summary>
    public long Nanoseconds(int clock)
    {
        const int rawClock = 4, coarseClock = 6, bootClock = 7, bootAlarmClock = 9;
        const long epoch = 1_700_000_000_000_000_000;
        if (Options.Clock is InstructionClock counted)
        {
            return clock == RealTimeClock ? epoch + counted.Now : counted.Now;
        }

        return HostCalls.Nanoseconds(clock) + (clock is MonotonicClock or rawClock or coarseClock or bootClock or bootAlarmClock ? _timeOffset : 0);
    }

    /// <summary>Lets time pass, if it does not by itself.</summary>
    public void SkipTime(long nanoseconds)
    {
        if (Options.Clock is InstructionClock counted)
        {
            counted.Set(Math.Min(counted.Now + Math.Min(nanoseconds, LatestTime), Math.Max(counted.Now, LatestTime)));
        }
    }

    /// <summary>Random bytes: of the host, or the next of the sequence (SplitMix64).</summary>
    public void FillRandom(Span<byte> bytes)
    {
        if (RandomState == 0)
        {
            RandomNumberGenerator.Fill(bytes);
            return;
        }

        Span<byte> word = stackalloc byte[sizeof(ulong)];
        for (; bytes.Length > 0; bytes = bytes[Math.Min(word.Length, bytes.Length)..])
        {
            ulong value = RandomState += 0x9E3779B97F4A7C15;
            value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
            value = (value ^ value >> 27) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, value ^ value >> 31);
            word[..Math.Min(word.Length, bytes.Length)].CopyTo(bytes);
        }
    }

    /// <summary>How many pipes and pairs of sockets have been made.</summary>
    public int QueueCount
    {
        get => _queues;
        set => _queues = value;
    }

    /// <summary>A number for a pipe or a pair of sockets.</summary>
    public int NewQueue() => Interlocked.Increment(ref _queues);

    /// <summary>A number for a process or thread.</summary>
    public int NewId()
    {
        lock (Lock)
        {
            // As on Linux, numbers come around again and skip those in use.
            do
            {
                _nextId = _nextId == LastId ? FirstProcessId : _nextId + 1;
            }
            while (_processes.ContainsKey(_nextId - 1));
            return _nextId - 1;
        }
    }

    public void Add(GuestProcess process)
    {
        lock (Lock)
        {
            _processes.Add(process.Id, process);
            _running++;
            if (_isEnding)
            {
                process.Terminate(new ExitStatus(0, Signal.SIGKILL));
            }
        }
    }

    /// <summary>Takes a place for one more thread. False: there are as many as a run may have (EAGAIN).</summary>
    public bool TryAddThread()
    {
        lock (Lock)
        {
            if (_threads >= Options.MaxThreads)
            {
                return false;
            }

            _threads++;
            return true;
        }
    }

    /// <summary>A thread has ended, or was not started after all.</summary>
    public void RemoveThread()
    {
        lock (Lock)
        {
            _threads--;
            Monitor.PulseAll(Lock);
        }
    }

    /// <summary>The process has no threads any more.</summary>
    public void Ended()
    {
        lock (Lock)
        {
            _running--;
            Monitor.PulseAll(Lock);
        }
    }

    /// <summary>There are these processes and no others.</summary>
    public void Restore(IEnumerable<GuestProcess> processes)
    {
        lock (Lock)
        {
            _processes.Clear();
            foreach (GuestProcess process in processes)
            {
                _processes.Add(process.Id, process);
            }
        }
    }

    /// <summary>Nobody will ask for its exit status any more.</summary>
    public void Remove(GuestProcess process)
    {
        lock (Lock)
        {
            _processes.Remove(process.Id);
        }
    }

    /// <summary>A thread of the guest has counted its last.</summary>
    public void Count(long instructions, long blocks)
    {
        Interlocked.Add(ref _instructions, instructions);
        Interlocked.Add(ref _blocks, blocks);
    }

    /// <summary>Says no to a call that would put another program into the place of a target.</summary>
    public long Refuse(string name)
    {
        Refused.Add(name);
        return -Errno.EAGAIN;
    }

    /// <summary>Paths of regular files that have been opened for reading, or loaded.</summary>
    public IReadOnlyList<string> Opened
    {
        get
        {
            lock (_opened)
            {
                return [.. _opened];
            }
        }
    }

    public void NoteOpened(string path)
    {
        lock (_opened)
        {
            if (_opened.Count < MostOpened)
            {
                _opened.Add(path);
            }
        }
    }

    /// <summary>A program has made a call that is not served; each kind is told once.</summary>
    public void ReportUnknown(string name)
    {
        if (Options.UnknownSystemCall is not { } report)
        {
            return;
        }

        lock (_unknownCalls)
        {
            if (_unknownCalls.Add(name))
            {
                report(name);
            }
        }
    }

    /// <summary>An error of this library: ends all processes and is thrown by <see cref="WaitForAll"/>.</summary>
    public void Fail(Exception failure)
    {
        lock (Lock)
        {
            _failure ??= failure;
            KillAll();
        }
    }

    /// <summary>Ends all processes.</summary>
    public void KillAll()
    {
        lock (Lock)
        {
            _isEnding = true;
            foreach (GuestProcess process in _processes.Values)
            {
                process.Terminate(new ExitStatus(0, Signal.SIGKILL));
            }

            Monitor.PulseAll(Lock);
        }
    }

    /// <summary>Returns when no guest process runs any more, or all threads stand still: false.</summary>
    public bool WaitForAll()
    {
        bool hasEnded;
        lock (Lock)
        {
            while (_running > 0 && !AllStandStill)
            {
                Monitor.Wait(Lock);
            }

            hasEnded = _running == 0;
        }

        if (_failure != null)
        {
            throw new InvalidOperationException($"The system call layer failed: {_failure.Message}", _failure);
        }

        return hasEnded;
    }

    /// <summary>Sends a signal to a process group (0 members: ESRCH).</summary>
    public long SendToGroup(int group, SignalInfo info)
    {
        lock (Lock)
        {
            List<GuestProcess> members = [.. _processes.Values.Where(process => process.Group == group && process.Status == null)];
            foreach (GuestProcess process in members)
            {
                process.Post(info);
            }

            return members.Count > 0 ? 0 : -Errno.ESRCH;
        }
    }

    public void Dispose()
    {
        Turns?.Dispose();
        Root.Dispose();
    }
}
