namespace FastVcpu;

/// <summary>Something that is to happen at a time of a <see cref="Clock"/>, once. From any thread.</summary>
public sealed class ClockTimer
{
    readonly Clock clock;
    readonly Action elapsed;
    long deadline = Clock.Never;

    internal ClockTimer(Clock clock, Action elapsed)
    {
        this.clock = clock;
        this.elapsed = elapsed;
    }

    /// <summary>When it elapses; <see cref="long.MaxValue"/> when it is not set.</summary>
    public long Deadline
    {
        get => Volatile.Read(ref deadline);
        internal set => Volatile.Write(ref deadline, value);
    }

    /// <summary>Of two timers with one deadline, the one with the smaller number elapses first: it was set first.</summary>
    internal long Order { get; set; }

    /// <summary>It waits for its deadline.</summary>
    public bool IsSet => Deadline != Clock.Never;

    /// <summary>Sets the deadline, in place of the one before. One in the past elapses at once.</summary>
    /// <param name="deadline">Time of the clock.</param>
    public void Set(long deadline) => clock.Schedule(this, deadline);

    /// <summary>Takes the deadline back. A call that has begun on another thread goes on.</summary>
    public void Cancel()
    {
        if (IsSet)
        {
            clock.Schedule(this, Clock.Never);
        }
    }

    /// <summary>Makes the timer what it was, its place among others with the same deadline included.</summary>
    internal void Restore(long deadline, long order) => clock.Schedule(this, deadline, order);

    internal void Elapse() => elapsed();
}
