namespace FastVcpu.Linux.Process;

/// <summary>Lets all threads of the guest stand still between two instructions, for a snapshot; and what the system itself knows, as data.</summary>
sealed partial class LinuxSystem : IStateful
{
    const int RealTimeClock = 0, MonotonicClock = 1;

    volatile bool _isFreezing;
    int _standing;

    /// <summary>What the clocks that count from the start of the host are ahead of it.</summary>
    long _timeOffset;

    /// <summary>So many instructions may the first thread of the program retire until all stand still.</summary>
    public long Limit { get; set; } = long.MaxValue;

    /// <summary>All threads are to stand still.</summary>
    public bool IsFreezing => _isFreezing;

    /// <summary>All threads stand still, and there are some: without any, the last process is ending. Under the system's lock, which none of them goes on without.</summary>
    public bool AllStandStill => _isFreezing && _threads > 0 && (Turns != null || _standing == _threads);

    /// <summary>Lets all threads stand still soon. Those that wait in a system call leave it, to make it again.</summary>
    public void Freeze()
    {
        lock (Lock)
        {
            if (_isFreezing)
            {
                return;
            }

            _isFreezing = true;
            foreach (GuestThread thread in _processes.Values.SelectMany(process => process.Threads))
            {
                thread.Interrupt();
            }
        }
    }

    /// <summary>Lets all threads go on.</summary>
    public void GoOn()
    {
        lock (Lock)
        {
            _isFreezing = false;
            Monitor.PulseAll(Lock);
        }
    }

    /// <summary>The calling thread stands still until all go on, or its process ends.</summary>
    public void StandStill(GuestThread thread)
    {
        lock (Lock)
        {
            _standing++;
            Monitor.PulseAll(Lock);
            while (_isFreezing && thread.Process.Status == null && !thread.IsLeaving)
            {
                Monitor.Wait(Lock);
            }

            _standing--;
        }
    }

    public void Transfer(StateTransfer state)
    {
        state.Value(ref _nextId, FirstProcessId, LastId);
        state.Value(ref _queues, 0, int.MaxValue);
        ForegroundGroup = state.Value(ForegroundGroup);
        RandomState = state.Value(RandomState);
        long time = state.Value(Options.Clock is InstructionClock ? 0 : Nanoseconds(MonotonicClock));
        state.Require(time >= 0);
        if (!state.IsRestoring || time == 0)
        {
            return;
        }

        if (Options.Clock is InstructionClock clock)
        {
            clock.Set(time);
        }
        else
        {
            _timeOffset += time - Nanoseconds(MonotonicClock);
        }
    }
}
