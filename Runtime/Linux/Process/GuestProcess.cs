using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>A process of the guest. Its tree links, signals and threads are guarded by the system's lock.</summary>
sealed partial class GuestProcess
{
    readonly List<GuestThread> _threads = [];
    readonly List<GuestProcess> _children = [];
    GuestThread? _vforkParent;
    bool _isReported;

    public GuestProcess(LinuxSystem system, GuestProcess? parent, DescriptorTable descriptors, FileContext files, SignalActions actions)
    {
        System = system;
        Id = system.NewId();
        Parent = parent;
        Group = parent?.Group ?? Id;
        Session = parent?.Session ?? Id;
        Descriptors = descriptors;
        Files = files;
        Actions = actions;
        Limits = parent?.Limits.Clone() ?? new ResourceLimits(system.Options.MemoryLimit);
        Paths = new PathResolver(system.Root, new VirtualFileSystem(this).Find);
        Timer = new IntervalTimer(this);
    }

    public LinuxSystem System { get; }

    public int Id { get; }

    public GuestProcess? Parent { get; private set; }

    public int Group { get; set; }

    public int Session { get; set; }

    /// <summary>The program, from the first execve on.</summary>
    public LoadedProgram Program { get; private set; } = null!;

    public GuestMemory Memory { get; private set; } = null!;

    public LinuxAbi Abi => Memory.Abi;

    /// <summary>The name of /proc/self/comm, 15 bytes at most.</summary>
    public string Name { get; set; } = "";

    public DescriptorTable Descriptors { get; private set; }

    public FileContext Files { get; }

    public SignalActions Actions { get; private set; }

    public SignalQueue Pending { get; } = new();

    public ResourceLimits Limits { get; }

    public PathResolver Paths { get; }

    public IntervalTimer Timer { get; }

    public ProcessUsage Usage { get; } = new();

    public IReadOnlyList<GuestThread> Threads => _threads;

    public IReadOnlyList<GuestProcess> Children => _children;

    /// <summary>Set when the process is to end, or has.</summary>
    public ExitStatus? Status { get; private set; }

    /// <summary>It would have waited for ever, which has ended it.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>All threads have ended; the parent may collect the status.</summary>
    public bool IsZombie { get; private set; }

    /// <summary>The signal that stopped it, or 0.</summary>
    public int StopSignal { get; private set; }

    /// <summary>A stop, or going on after one, that wait4 has not reported yet: its status word, or 0.</summary>
    public int UnreportedChange { get; set; }

    /// <summary>Takes a loaded program: after execve, or at the start.</summary>
    public void SetProgram(LoadedProgram program)
    {
        GuestMemory? old = Memory;
        Program = program;
        Memory = program.Memory;
        string name = program.Path[(program.Path.LastIndexOf('/') + 1)..];
        Name = name.Length > 15 ? name[..15] : name;
        old?.Dispose();
    }

    /// <summary>Forgets its end, and gives signals the actions that they had.</summary>
    public void Revive(SignalActions actions)
    {
        (Status, IsBlocked, StopSignal) = (null, false, 0);
        Actions = actions.Clone();
        Pending.Remove(ulong.MaxValue);
    }

    /// <summary>Makes the threads what they were; there are no others.</summary>
    public void RestoreThreads(ReadOnlySpan<(GuestThread Thread, GuestThread.State State)> threads)
    {
        _threads.Clear();
        foreach ((GuestThread thread, GuestThread.State state) in threads)
        {
            _threads.Add(thread);
            thread.Restore(state);
        }
    }

    /// <summary>Makes the children what they were; there are no others.</summary>
    public void RestoreChildren(IReadOnlyList<GuestProcess> children)
    {
        _children.Clear();
        _children.AddRange(children);
    }

    /// <summary>Returns what it holds, without a word to anybody.</summary>
    public void Drop()
    {
        Timer.Dispose();
        Descriptors.ReleaseUser();
        Memory.Dispose();
    }

    /// <summary>Takes over memory and program of the parent (fork).</summary>
    public void InheritProgram(GuestProcess parent, GuestMemory memory)
    {
        Program = parent.Program;
        Name = parent.Name;
        Memory = memory;
    }

    /// <summary>What execve does to the rest of the process.</summary>
    public void PrepareForExec()
    {
        Descriptors = Descriptors.ForExec();
        lock (System.Lock)
        {
            Actions = Actions.ForExec();
        }

        ReleaseVforkParent();
    }

    public void AddThread(GuestThread thread)
    {
        lock (System.Lock)
        {
            _threads.Add(thread);
        }
    }

    public void AddChild(GuestProcess child)
    {
        lock (System.Lock)
        {
            _children.Add(child);
        }
    }

    public void RemoveChild(GuestProcess child)
    {
        lock (System.Lock)
        {
            _children.Remove(child);
        }

        System.Remove(child);
    }

    /// <summary>A thread has ended; with the last one the process ends.</summary>
    public void RemoveThread(GuestThread thread)
    {
        bool wasLast;
        lock (System.Lock)
        {
            // At once: whoever looks while all threads stand still finds those that do.
            System.RemoveThread();
            _threads.Remove(thread);
            wasLast = _threads.Count == 0;
            foreach (GuestThread other in _threads)
            {
                other.Interrupt();
            }
        }

        if (wasLast)
        {
            Finish();
        }
    }

    /// <summary>Ends all threads as soon as they notice.</summary>
    public void Terminate(ExitStatus status)
    {
        lock (System.Lock)
        {
            Status ??= status;
            if (System.Turns is { IsTarget: true } && this != System.Main && Signal.IsCrash(Status.Value.Signal))
            {
                // Nobody would look at it otherwise: a parent may wait for it and go on.
                System.Main.Terminate(Status.Value);
            }

            foreach (GuestThread thread in _threads)
            {
                thread.Interrupt();
            }

            Monitor.PulseAll(System.Lock);
            if (Id == LinuxSystem.FirstProcessId)
            {
                System.Options.Debugger?.Ending();
            }
        }
    }

    /// <summary>Sends a signal to the process: any thread that does not block it takes it. Under the system's lock.</summary>
    public long Post(SignalInfo info)
    {
        lock (System.Lock)
        {
            if (!Accepts(info))
            {
                return 0;
            }

            if (!Pending.Add(info))
            {
                return -Errno.EAGAIN;
            }

            foreach (GuestThread thread in _threads)
            {
                thread.Interrupt();
            }

            return 0;
        }
    }

    /// <summary>Applies what a signal does already when it is sent. False: it does nothing more.</summary>
    public bool Accepts(SignalInfo info)
    {
        if (Status != null)
        {
            return false;
        }

        if (info.Signal is Signal.SIGCONT or Signal.SIGKILL)
        {
            Continue(info.Signal == Signal.SIGCONT);
        }
        else if (Signal.StopsProcess(info.Signal))
        {
            Pending.Remove(Signal.Bit(Signal.SIGCONT));
        }

        // A blocked signal stays pending even when it is ignored, as it may be waited for.
        bool isBlocked = _threads.TrueForAll(thread => (thread.Mask & Signal.Bit(info.Signal)) != 0);
        return isBlocked || !Actions.Ignores(info.Signal);
    }

    /// <summary>The default action of stop signals.</summary>
    public void Stop(int signal)
    {
        lock (System.Lock)
        {
            if (StopSignal != 0)
            {
                return;
            }

            StopSignal = signal;
            UnreportedChange = ExitStatus.Stopped(signal);
            NotifyParent(new SignalInfo(Signal.SIGCHLD, SignalInfo.ChildStopped) { ProcessId = Id, Status = signal }, SignalAction.NoChildStop);
        }
    }

    void Continue(bool isReported)
    {
        const ulong stops = 1UL << Signal.SIGSTOP - 1 | 1UL << Signal.SIGTSTP - 1 | 1UL << Signal.SIGTTIN - 1 | 1UL << Signal.SIGTTOU - 1;
        Pending.Remove(stops);
        if (StopSignal == 0)
        {
            return;
        }

        StopSignal = 0;
        UnreportedChange = isReported ? ExitStatus.Continued : 0;
        if (isReported)
        {
            NotifyParent(new SignalInfo(Signal.SIGCHLD, SignalInfo.ChildContinued) { ProcessId = Id, Status = Signal.SIGCONT }, SignalAction.NoChildStop);
        }

        foreach (GuestThread thread in _threads)
        {
            thread.Interrupt();
        }
    }

    /// <summary>Lets <paramref name="parent"/> wait until this process has its own program or has ended (vfork).</summary>
    public void SetVforkParent(GuestThread parent) => _vforkParent = parent;

    /// <summary>Whether a vfork parent is still waiting.</summary>
    public bool HoldsVforkParent => Volatile.Read(ref _vforkParent) != null;

    /// <summary>Reports a crash once, by the thread that crashed.</summary>
    public void ReportCrash(GuestCrash crash)
    {
        lock (System.Lock)
        {
            if (_isReported)
            {
                return;
            }

            _isReported = true;
        }

        System.Options.Crashed?.Invoke(crash);
    }

    void ReleaseVforkParent()
    {
        GuestThread? parent = Interlocked.Exchange(ref _vforkParent, null);
        parent?.Interrupt();
    }

    void Finish()
    {
        Timer.Dispose();
        Descriptors.ReleaseUser();
        Memory.Dispose();
        ReleaseVforkParent();
        lock (System.Lock)
        {
            ExitStatus status = Status ??= new ExitStatus(0, 0);
            IsZombie = true;
            foreach (GuestProcess child in _children)
            {
                child.Parent = null;
                if (child.IsZombie)
                {
                    System.Remove(child);
                }
            }

            _children.Clear();
            NotifyParent(status.ChildSignal(Id, Host.Libc.GetUser()), 0);
            if (Parent == null)
            {
                System.Remove(this);
            }
        }

        if (Id == LinuxSystem.FirstProcessId)
        {
            System.Options.Debugger?.Ended(LinuxExit.Of(Status.Value));
        }

        System.Ended();
    }

    /// <summary>Sends SIGCHLD and wakes waiting threads; a parent that ignores SIGCHLD gets no zombies.</summary>
    void NotifyParent(SignalInfo info, uint unwantedFlag)
    {
        if (Parent is not { } parent)
        {
            return;
        }

        SignalAction action = parent.Actions[Signal.SIGCHLD];
        if (IsZombie && (action.Handler == SignalAction.Ignore || (action.Flags & SignalAction.NoChildWait) != 0))
        {
            parent.RemoveChild(this);
            Parent = null;
        }

        if (unwantedFlag == 0 || (action.Flags & unwantedFlag) == 0)
        {
            parent.Post(info);
        }

        foreach (GuestThread thread in parent._threads)
        {
            thread.Wake();
        }
    }
}
