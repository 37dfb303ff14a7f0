using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Process;

/// <summary>
/// All threads of the guest take turns on the embedder's thread: in the same order in every run. Those of one process share a CPU. A turn ends with a call that would wait, or, while there are several
/// threads, after so much time of the clock. When all wait, time passes at once; when all wait for ever, the host may be waited for, or that is the end.
/// </summary>
/// <remarks>A call that would wait does nothing instead and returns <see cref="Errno.EWAIT"/>; it is made again at each of the thread's turns until it does not.</remarks>
sealed partial class Turns : IDisposable
{
    /// <summary>The most processes that there are at a time, those that nobody has waited for yet included.</summary>
    public const int MostProcesses = 200;

    /// <summary>Length of a turn in nanoseconds: of an <see cref="InstructionClock"/>, as many instructions.</summary>
    const long Slice = 50_000;

    /// <summary>So often in a row time passes without anybody having something to do: a timer whose signal nobody takes.</summary>
    const int MostPasses = 1000;

    readonly LinuxSystem _system;
    readonly Clock _clock;
    readonly List<GuestThread> _threads = [];
    readonly ClockTimer _timer;
    readonly HostFile _wake = HostCalls.EventCounter(0, false);

    /// <summary>Where in the list the current thread is; one that has ended was behind it.</summary>
    int _place;
    bool _isOver;

    /// <summary>There have been processes besides the first one.</summary>
    bool _hasOthers;
    long _retired;

    /// <summary>Begins without threads.</summary>
    public Turns(LinuxSystem system, Clock clock)
    {
        (_system, _clock) = (system, clock);
        _timer = clock.CreateTimer(EndTurn);
    }

    /// <summary>The thread whose turn it is; its registers are in its CPU.</summary>
    public GuestThread Current { get; private set; } = null!;

    /// <summary>
    /// The guest is a target: it starts no other program, nobody waits for the host, and the run ends with the first process, which stays as it is then. Otherwise it runs until all processes have ended.
    /// </summary>
    public bool IsTarget { get; set; }

    /// <summary>fork fails: who runs the target looks after one CPU only.</summary>
    public bool RefusesProcesses { get; set; }

    /// <summary>Processes besides the first one run.</summary>
    public bool HasOthers => _threads.Exists(thread => thread.Process != _system.Main);

    /// <summary>A thread has been made. It has a CPU of its own, or has <see cref="GuestThread.Registers"/>.</summary>
    public void Add(GuestThread thread)
    {
        Current ??= thread;
        _hasOthers |= thread.Process != Current.Process;
        _threads.Add(thread);
        if (_threads.Count > 1 && !_timer.IsSet)
        {
            SetTimer();
        }
    }

    /// <summary>Runs until all processes have ended (true), or everybody is to stand still: because of <see cref="LinuxSystem.Freeze"/>, or since so many instructions have been retired.</summary>
    public bool Run(long limit)
    {
        while (IsRunning)
        {
            if (_retired >= limit)
            {
                _system.Freeze();
            }

            if (_system.IsFreezing)
            {
                return false;
            }

            if (CanRun(Current))
            {
                VcpuExit exit = _system.Options.Debugger is { } debugger ? debugger.Run(Current.Cpu) : Current.Cpu.Run(limit - _retired);
                _retired += exit.InstructionsRetired;
                Current.Count(exit.InstructionsRetired);
                Current.Serve(exit);
            }

            GoOn();
        }

        return true;
    }

    /// <summary>After an exit of the CPU has been served: lets a thread go on. False: the run has ended, or, where the host is waited for, all are to stand still.</summary>
    public bool GoOn()
    {
        if (!IsRunning)
        {
            return false;
        }

        if (Current.Waiting == null)
        {
            if (!Current.Continues())
            {
                End(Current);
            }
            else if (!_isOver && CanRun(Current))
            {
                return true;
            }
        }

        _isOver = false;
        for (int passes = 0; IsRunning; passes++)
        {
            for (int i = _threads.Count; i > 0 && IsRunning; i--)
            {
                if (TakesItsTurn(Next()))
                {
                    return true;
                }
            }

            if (IsRunning && _system.Network is { IsOver: true })
            {
                // Timers that are left are for whoever else might connect.
                _system.Main.Terminate(default);
                return false;
            }

            if (IsRunning && (passes >= MostPasses || !TryLetTimePass()) && !TryWaitForHost())
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>The turn of the current thread is over (sched_yield).</summary>
    public void Yield() => _isOver = true;

    /// <summary>Ends a wait for the host. From any thread.</summary>
    public void Wake() => HostCalls.Count(_wake);

    /// <summary>All stand still until a stream that leads out of the guest is ready (1), or there is something else to do (ERESTARTSYS): so what other threads do meanwhile is nothing, however long it takes.</summary>
    public long WaitForHost(GuestThread thread, HostFile file, short events)
    {
        HostPollEntry[] entries = [new HostPollEntry(file.Descriptor, events, 0), default];
        while (true)
        {
            if (thread.MustHandleAttention() || _system.IsFreezing)
            {
                return HostCalls.Poll(entries.AsSpan(..1), 0) > 0 ? 1 : -Errno.ERESTARTSYS;
            }

            if (Poll(entries) is var ready and not 0)
            {
                return Math.Min(ready, 1);
            }
        }
    }

    /// <summary>Ends all other threads of a process (execve).</summary>
    public void EndOthers(GuestThread thread)
    {
        foreach (GuestThread other in thread.Process.Threads.ToArray())
        {
            if (other != thread)
            {
                End(other);
            }
        }
    }

    /// <summary>Ends everything.</summary>
    public void EndAll()
    {
        _system.KillAll();
        IsTarget = false;
        while (_threads.Count > 0)
        {
            End(_threads[^1]);
        }
    }

    /// <summary>Goes back to these threads, the current one of which has its registers in its CPU already. Processes that are not theirs have never been. True: there have been others.</summary>
    public bool Restart(ReadOnlySpan<GuestThread> threads, GuestThread current)
    {
        DropOthers();
        _threads.Clear();
        _threads.AddRange(threads);
        Current = current;
        _place = _threads.IndexOf(current);
        _isOver = false;
        SetTimer();
        bool hadOthers = _hasOthers;
        _hasOthers = false;
        return hadOthers;
    }

    /// <summary>Processes besides the first one return what they hold.</summary>
    public void DropOthers()
    {
        foreach (GuestThread thread in _threads)
        {
            if (thread.Process != _system.Main)
            {
                thread.Drop();
            }
        }
    }

    public void Dispose() => _wake.Dispose();

    bool IsRunning => IsTarget ? _system.Main.Status == null : _threads.Count > 0;

    /// <summary>It is there, and neither in a call, nor stopped, nor waiting for its child of vfork.</summary>
    static bool CanRun(GuestThread thread) => thread is { Waiting: null, IsAlive: true, IsHeld: false, Process.StopSignal: 0 };

    /// <summary>The thread behind the current one.</summary>
    GuestThread Next()
    {
        _place = (_place + 1) % _threads.Count;
        return _threads[_place];
    }

    /// <summary>Makes a thread the current one and does what it has to do before its next instruction. False: it waits, or has ended.</summary>
    bool TakesItsTurn(GuestThread thread)
    {
        if (thread.IsAlive && (thread.Process.StopSignal != 0 || thread.IsHeld))
        {
            return false;
        }

        if (thread.IsAlive)
        {
            Switch(thread);
            if (thread.Waiting is { } call)
            {
                thread.Serve(call);
                if (thread.Waiting != null)
                {
                    return false;
                }
            }
        }

        if (!thread.Continues())
        {
            End(thread);
            return false;
        }

        if (!CanRun(thread))
        {
            return false;
        }

        SetTimer();
        return true;
    }

    /// <summary>Puts a thread's registers into its CPU, in the place of those of another thread of its process.</summary>
    void Switch(GuestThread thread)
    {
        Current = thread;
        if (thread.Registers is { } registers)
        {
            _threads.Find(other => other.Registers == null && other.Cpu == thread.Cpu)?.Leave();
            thread.Enter(registers);
        }
    }

    /// <summary>A thread has left, or its process has ended. The first process of a target stays.</summary>
    void End(GuestThread thread)
    {
        if (IsTarget && thread.Process == _system.Main && thread.Process.Status != null)
        {
            return;
        }

        int index = _threads.IndexOf(thread);
        _threads.RemoveAt(index);
        _place -= index <= _place ? 1 : 0;
        thread.EndInTurns();
    }

    void SetTimer()
    {
        _timer.Cancel();
        if (_threads.Count > 1)
        {
            _timer.Set(_clock.Now + Slice);
        }
    }

    /// <summary>All threads wait. False: for ever.</summary>
    bool TryLetTimePass()
    {
        List<GuestProcess> processes = [.. _threads.Select(thread => thread.Process).Distinct()];
        long now = _system.Nanoseconds(GuestThread.MonotonicClock);
        long deadline = _threads.Where(thread => thread.Process.StopSignal == 0).Select(thread => thread.Deadline ?? long.MaxValue).DefaultIfEmpty(long.MaxValue).Min();
        long next = Math.Min(deadline, processes.Min(process => process.Timer.Due));
        if (next == long.MaxValue)
        {
            return false;
        }

        _system.SkipTime(Math.Max(0, next - now));
        processes.ForEach(process => process.Timer.FireIfDue());
        return true;
    }

    /// <summary>Nothing will happen any more unless it comes from the host. False: the run is over, or all are to stand still.</summary>
    bool TryWaitForHost()
    {
        if (IsTarget)
        {
            // The current thread, about which one may ask now, is one that there is.
            Switch(_system.Main.Threads[0]);
            bool isDone = _system.Network is { IsRead: true };
            _system.Main.IsBlocked = !isDone;
            _system.Main.Terminate(isDone ? default : new ExitStatus(0, Signal.SIGKILL));
            return false;
        }

        if (!_system.IsFreezing)
        {
            Poll([.. _threads.SelectMany(thread => thread.Awaited), default]);
        }

        if (_system.IsFreezing)
        {
            // Whoever is the current thread has to be one that there is.
            _place = Math.Max(_place, 0);
            Switch(_threads[_place]);
            return false;
        }

        return true;
    }

    /// <summary>Waits for files of the host, for ever; the last entry is for our own counter. Returns how many are ready; 0: somebody has called <see cref="Wake"/>.</summary>
    long Poll(HostPollEntry[] entries)
    {
        entries[^1] = new HostPollEntry(_wake.Descriptor, Files.Poll.In, 0);
        long ready = HostCalls.Poll(entries, GuestThread.Forever);
        if (entries[^1].Returned != 0)
        {
            HostCalls.SetBack(_wake);
            ready--;
        }

        return ready;
    }

    void EndTurn()
    {
        _isOver = true;
        Current.Cpu.RequestExit();
    }
}
