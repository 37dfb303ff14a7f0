namespace FastVcpu;

/// <summary>
/// The time of a machine, in nanoseconds since it was switched on. The time-stamp counter, the timers of the interrupt controllers and the devices of an
/// embedder read the same clock: <see cref="RealClock"/>, which is the host's, or <see cref="InstructionClock"/>, which follows the instructions.
/// </summary>
public abstract class Clock : IStateful
{
    /// <summary>Nanoseconds in a second.</summary>
    public const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>A deadline that never comes.</summary>
    internal const long Never = long.MaxValue;

    /// <summary>The latest time that a snapshot may have: 36 years.</summary>
    internal const long Latest = 1L << 60;

    /// <summary>Guards the timers; pulsed when the next deadline comes nearer.</summary>
    private protected readonly object gate = new();

    readonly List<ClockTimer> timers = [];
    long nextDeadline = Never;

    /// <summary>How often a timer has been set.</summary>
    long settings;

    private protected Clock()
    {
    }

    /// <summary>The time. From any thread.</summary>
    public abstract long Now { get; }

    /// <summary>False between <see cref="Pause"/> and <see cref="Resume"/>.</summary>
    public bool IsPaused { get; private protected set; }

    /// <summary>What a periodic timer is slowed down to, so that a guest cannot keep the host busy with nothing else.</summary>
    internal abstract long ShortestPeriod { get; }

    /// <summary>The earliest deadline of all timers.</summary>
    internal long NextDeadline => Volatile.Read(ref nextDeadline);

    /// <summary>Creates a timer, which is not set.</summary>
    /// <param name="elapsed">
    /// Called when the deadline has come, which unsets the timer: on the thread of a vCPU, between two instructions, or on a thread of the clock. It may set the timer again.
    /// </param>
    public ClockTimer CreateTimer(Action elapsed)
    {
        ArgumentNullException.ThrowIfNull(elapsed);
        return new ClockTimer(this, elapsed);
    }

    /// <summary>Stops the time: for a debugger, or while the machine does not run.</summary>
    public void Pause() => Change(isPaused: true, null);

    /// <summary>The time goes on from where it stands.</summary>
    public void Resume() => Change(isPaused: false, null);

    /// <summary>Moves the clock: when the state of a machine is restored. Timers keep their deadlines.</summary>
    /// <param name="now">The new time.</param>
    public void Set(long now)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(now);
        Change(IsPaused, now);
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        long now = state.Value(Now), order = state.Value(settings);
        state.Require(now is >= 0 and <= Latest && order >= 0);
        if (state.IsRestoring)
        {
            Set(now);
            settings = order;
        }
    }

    /// <summary>Sets the time, if any, and whether it stands.</summary>
    private protected abstract void Change(bool isPaused, long? time);

    /// <summary>A timer has got a deadline that is earlier than all others.</summary>
    private protected virtual void DeadlineComesNearer()
    {
    }

    internal void Schedule(ClockTimer timer, long deadline, long? order = null)
    {
        lock (gate)
        {
            timers.Remove(timer);
            timer.Deadline = deadline;
            timer.Order = deadline == Never ? 0 : order ?? ++settings;
            if (deadline != Never)
            {
                timers.Add(timer);
            }
            long before = nextDeadline;
            FindNext();
            if (nextDeadline < before)
            {
                DeadlineComesNearer();
            }
        }
    }

    /// <summary>Calls the timers whose deadline has come, the earliest first; of several at one time the one that was set first.</summary>
    internal void FireDue()
    {
        while (NextDeadline <= Now)
        {
            ClockTimer? due;
            lock (gate)
            {
                due = TakeDue();
            }
            if (due == null)
            {
                return;
            }
            due.Elapse();
        }
    }

    /// <summary>The earliest timer that is due, which is unset. The caller holds the gate.</summary>
    private protected ClockTimer? TakeDue()
    {
        if (IsPaused || nextDeadline > Now)
        {
            return null;
        }
        ClockTimer due = timers.Where(timer => timer.Deadline == nextDeadline).MinBy(timer => timer.Order)!;
        timers.Remove(due);
        (due.Deadline, due.Order) = (Never, 0);
        FindNext();
        return due;
    }

    void FindNext()
    {
        long next = Never;
        foreach (ClockTimer timer in timers)
        {
            next = Math.Min(next, timer.Deadline);
        }
        Volatile.Write(ref nextDeadline, next);
    }
}
