using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>
/// The threads of one process take turns on one CPU, on the embedder's thread: in the same order in every run. A turn ends with a call that would wait, or, while there are several threads, after
/// so much time of the clock. When all wait, time passes at once; when all wait for ever, that is the end of the process.
/// </summary>
/// <remarks>A call that would wait does nothing instead and returns <see cref="Errno.EWAIT"/>; it is made again at each of the thread's turns until it does not.</remarks>
sealed class Turns
{
    /// <summary>Length of a turn in nanoseconds: of an <see cref="InstructionClock"/>, as many instructions.</summary>
    const long Slice = 50_000;

    /// <summary>So often in a row time passes without anybody having something to do: a timer whose signal nobody takes.</summary>
    const int MostPasses = 1000;

    readonly GuestProcess _process;
    readonly Vcpu _cpu;
    readonly ClockTimer _timer;
    bool _isOver;

    /// <summary>Begins with the threads of a process, which have CPUs of their own until now.</summary>
    public Turns(GuestProcess process)
    {
        _process = process;
        Current = process.Threads[0];
        _cpu = Current.Cpu;
        foreach (GuestThread thread in process.Threads.Skip(1))
        {
            thread.Share(_cpu);
        }

        _timer = _cpu.Clock.CreateTimer(EndTurn);
        SetTimer();
    }

    /// <summary>The thread whose registers are in the CPU.</summary>
    public GuestThread Current { get; private set; }

    /// <summary>A thread has been made whose registers are those of the CPU, which gets those of <see cref="Current"/> back.</summary>
    /// <param name="thread">The new thread.</param>
    /// <param name="caller">Registers of the current one.</param>
    public void Add(GuestThread thread, VcpuState caller)
    {
        thread.Registers = _cpu.SaveState();
        _cpu.RestoreState(caller);
        if (!_timer.IsSet)
        {
            _timer.Set(_cpu.Clock.Now + Slice);
        }
    }

    /// <summary>After an exit of the CPU has been served: lets a thread go on. False: the process has ended.</summary>
    public bool GoOn()
    {
        if (Current.Waiting == null)
        {
            if (!Current.Continues())
            {
                End(Current);
            }
            else if (!_isOver)
            {
                return true;
            }
        }

        _isOver = false;
        for (int passes = 0; _process.Status == null; passes++)
        {
            for (int i = _process.Threads.Count; i > 0 && _process.Status == null; i--)
            {
                if (TakesItsTurn(Next()))
                {
                    return true;
                }
            }

            if (_process.Status == null && (passes == MostPasses || !TryLetTimePass()))
            {
                Block();
            }
        }

        return false;
    }

    /// <summary>The turn of the current thread is over (sched_yield).</summary>
    public void Yield() => _isOver = true;

    /// <summary>Nothing will ever happen any more: the end of the process.</summary>
    public void Block()
    {
        _process.IsBlocked = true;
        _process.Terminate(new ExitStatus(0, Signal.SIGKILL));
    }

    /// <summary>Makes a thread the current one whose registers are in the CPU already; the others have theirs.</summary>
    public void Restart(GuestThread thread)
    {
        Current = thread;
        _isOver = false;
        SetTimer();
    }

    /// <summary>The thread behind the current one.</summary>
    GuestThread Next()
    {
        IReadOnlyList<GuestThread> threads = _process.Threads;
        for (int i = 0; i < threads.Count; i++)
        {
            if (threads[i] == Current)
            {
                return threads[(i + 1) % threads.Count];
            }
        }

        return threads[0];
    }

    /// <summary>Puts a thread's registers into the CPU and does what it has to do before its next instruction. False: it waits, or has ended.</summary>
    bool TakesItsTurn(GuestThread thread)
    {
        if (thread != Current)
        {
            if (!Current.IsLeaving)
            {
                Current.Registers = _cpu.SaveState();
            }

            _cpu.RestoreState(thread.Registers!);
            Current = thread;
        }

        if (thread.Waiting is { } call)
        {
            thread.Serve(call);
            if (thread.Waiting != null)
            {
                return false;
            }
        }

        if (!thread.Continues())
        {
            End(thread);
            return false;
        }

        SetTimer();
        return true;
    }

    /// <summary>A thread has left, or its process has ended.</summary>
    void End(GuestThread thread)
    {
        if (_process.Status == null)
        {
            thread.EndInTurns();
        }
    }

    void SetTimer()
    {
        _timer.Cancel();
        if (_process.Threads.Count > 1)
        {
            _timer.Set(_cpu.Clock.Now + Slice);
        }
    }

    /// <summary>All threads wait. False: for ever.</summary>
    bool TryLetTimePass()
    {
        long now = _process.System.Nanoseconds(GuestThread.MonotonicClock);
        long next = Math.Min(_process.Threads.Min(thread => thread.Deadline ?? long.MaxValue), _process.Timer.Due);
        if (next == long.MaxValue)
        {
            return false;
        }

        _process.System.SkipTime(Math.Max(0, next - now));
        _process.Timer.FireIfDue();
        return true;
    }

    void EndTurn()
    {
        _isOver = true;
        _cpu.RequestExit();
    }
}
