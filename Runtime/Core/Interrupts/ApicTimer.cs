using FastVcpu.State;

namespace FastVcpu.Interrupts;

/// <summary>The timer of a local APIC (SDM Vol. 3 11.5.4): one-shot, periodic, or to a value of the time-stamp counter. It counts nanoseconds.</summary>
sealed unsafe class ApicTimer : IDisposable
{
    const uint Periodic = 1, TscDeadline = 2;
    const int MostShift = 7;

    /// <summary>Deadlines beyond this distance (a century) do not come.</summary>
    const ulong Farthest = 100UL * 365 * 86400 * Clock.NanosecondsPerSecond;

    readonly Lock gate = new();
    readonly LocalApic apic;
    readonly CpuState* s;
    readonly Clock clock;
    readonly ClockTimer timer;
    uint mode, initial;
    int shift = 1;

    /// <summary>When the count ends; <see cref="Clock.Never"/> while it does not run.</summary>
    long deadline = Clock.Never;

    ulong tscDeadline;

    public ApicTimer(LocalApic apic, CpuState* state, Clock clock)
    {
        this.apic = apic;
        s = state;
        this.clock = clock;
        timer = clock.CreateTimer(Elapse);
    }

    public uint InitialCount => initial;

    public uint CurrentCount
    {
        get
        {
            lock (gate)
            {
                return Count(clock.Now);
            }
        }
    }

    /// <summary>IA32_TSC_DEADLINE; 0 when it is not armed.</summary>
    public ulong Deadline
    {
        get
        {
            lock (gate)
            {
                return tscDeadline;
            }
        }
        set
        {
            lock (gate)
            {
                if (mode == TscDeadline)
                {
                    tscDeadline = value;
                    ArmTscDeadline();
                }
            }
            // The way through the clock takes longer.
            Elapse();
        }
    }

    /// <summary>When the count ends; <see cref="Clock.Never"/> while it does not run.</summary>
    public long ElapsesAt
    {
        get
        {
            lock (gate)
            {
                return deadline;
            }
        }
        set
        {
            lock (gate)
            {
                if (value == Clock.Never)
                {
                    Stop();
                }
                else
                {
                    Arm(value);
                }
            }
        }
    }

    public void WriteInitialCount(uint value)
    {
        lock (gate)
        {
            if (mode != TscDeadline)
            {
                initial = value;
                Begin(clock.Now, value);
            }
        }
    }

    public void WriteDivide(uint configuration)
    {
        lock (gate)
        {
            long now = clock.Now;
            uint count = Count(now);
            shift = ShiftOf(configuration);
            if (deadline != Clock.Never && mode != TscDeadline)
            {
                Begin(now, count);
            }
        }
    }

    public void WriteLvt(uint entry)
    {
        lock (gate)
        {
            uint value = ModeOf(entry);
            if (value != mode && (value == TscDeadline || mode == TscDeadline))
            {
                (initial, tscDeadline) = (0, 0);
                Stop();
            }
            mode = value;
        }
    }

    /// <summary>Sets everything at once.</summary>
    public void Restore(uint lvt, uint divide, uint initialCount, uint currentCount)
    {
        lock (gate)
        {
            mode = ModeOf(lvt);
            shift = ShiftOf(divide);
            (initial, tscDeadline) = (initialCount, 0);
            Begin(clock.Now, Math.Min(currentCount, initialCount));
        }
    }

    /// <summary>Passes mode, counts and deadline through.</summary>
    public void Transfer(StateTransfer state)
    {
        lock (gate)
        {
            state.Value(ref mode, 0u, Lvt.TimerMode >> Lvt.TimerModeShift);
            state.Value(ref initial);
            state.Value(ref shift, 0, MostShift);
            state.Value(ref deadline, 0, Clock.Never);
            state.Value(ref tscDeadline);
            state.Timer(timer);
        }
    }

    /// <summary>The time-stamp counter has been moved: the deadline moves with it.</summary>
    public void TimeStampMoved()
    {
        lock (gate)
        {
            if (mode == TscDeadline)
            {
                ArmTscDeadline();
            }
        }
    }

    public void Dispose() => timer.Cancel();

    void Elapse()
    {
        lock (gate)
        {
            long now = clock.Now;
            if (now < deadline)
            {
                return;
            }
            if (mode == Periodic && initial != 0)
            {
                long period = Math.Max((long)initial << shift, clock.ShortestPeriod);
                // Periods that nobody has seen are left out.
                Arm(deadline + ((now - deadline) / period + 1) * period);
            }
            else
            {
                deadline = Clock.Never;
                tscDeadline = 0;
            }
        }
        apic.DeliverLocal(ApicRegister.LvtTimer);
    }

    /// <summary>The count that is left at a time.</summary>
    uint Count(long now) => deadline == Clock.Never || mode == TscDeadline ? 0 : (uint)Math.Clamp((deadline - now + (1L << shift) - 1) >> shift, 0, initial);

    /// <summary>Counts down from <paramref name="count"/>.</summary>
    void Begin(long now, uint count)
    {
        if (count == 0)
        {
            Stop();
        }
        else
        {
            Arm(now + ((long)count << shift));
        }
    }

    void ArmTscDeadline()
    {
        if (tscDeadline == 0)
        {
            Stop();
            return;
        }
        long now = clock.Now;
        ulong counter = (ulong)now + s->TscOffset;
        Arm(tscDeadline <= counter ? now : now + (long)Math.Min(tscDeadline - counter, Farthest));
    }

    void Arm(long when)
    {
        deadline = when;
        timer.Set(when);
    }

    void Stop()
    {
        deadline = Clock.Never;
        timer.Cancel();
    }

    static uint ModeOf(uint lvt) => (lvt & Lvt.TimerMode) >> Lvt.TimerModeShift;

    /// <summary>Divide by 2, 4 … 128, 1.</summary>
    static int ShiftOf(uint configuration) => (int)((configuration & 3 | configuration >> 1 & 4) + 1 & 7);
}
