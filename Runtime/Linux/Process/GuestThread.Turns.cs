namespace FastVcpu.Linux.Process;

/// <summary>A thread that shares its CPU with the others of its process (<see cref="Turns"/>).</summary>
sealed partial class GuestThread
{
    /// <summary>Its registers while others are in the CPU.</summary>
    public VcpuState? Registers { get; set; }

    /// <summary>How the CPU stopped for a call that waits and is to be made again; null while the thread can go on.</summary>
    public VcpuExit? Waiting { get; private set; }

    /// <summary>Until when the call waits that is being made, in the time of the monotonic clock; null before it does.</summary>
    public long? Deadline { get; private set; }

    /// <summary>Where it stands among those that wait for a futex.</summary>
    public FutexWaiter? FutexWaiter { get; set; }

    /// <summary>Gives up its own CPU.</summary>
    public void Share(Vcpu cpu)
    {
        Registers = _cpu.SaveState();
        _cpu.Dispose();
        _cpu = cpu;
    }

    /// <summary>The call that was being made has its result, or (true) is to be made again.</summary>
    public void EndCall(bool waits, in VcpuExit exit)
    {
        if (waits)
        {
            Waiting = exit;
        }
        else
        {
            (Waiting, Deadline) = (null, null);
        }
    }

    /// <summary>The thread alone has ended.</summary>
    public void EndInTurns()
    {
        ReleaseFutexes();
        System.RemoveThread();
        Process.RemoveThread(this);
    }

    /// <summary>What the system knows of the thread, for <see cref="Restore"/>.</summary>
    public State Save() => new(
        Registers, Waiting, Deadline, FutexWaiter, _mask, AlternateStack, ClearOnExit, RobustList,
        [.. Enumerable.Range(ThreadDescriptors.First, ThreadDescriptors.Count).Select(entry => Descriptors[entry])]);

    /// <summary>Makes it what it was, without what has been sent to it since.</summary>
    public void Restore(State state)
    {
        IsLeaving = false;
        Pending.Remove(ulong.MaxValue);
        _maskToRestore = null;
        Mask = state.Mask;
        _hasAttention = false;
        (Registers, Waiting, Deadline, FutexWaiter) = (state.Registers, state.Waiting, state.Deadline, state.FutexWaiter);
        (AlternateStack, ClearOnExit, RobustList) = (state.AlternateStack, state.ClearOnExit, state.RobustList);
        for (int i = 0; i < state.Segments.Length; i++)
        {
            Descriptors[ThreadDescriptors.First + i] = state.Segments[i];
        }
    }

    /// <summary>A thread between two instructions.</summary>
    public sealed record State(
        VcpuState? Registers,
        VcpuExit? Waiting,
        long? Deadline,
        FutexWaiter? FutexWaiter,
        ulong Mask,
        AlternateStack AlternateStack,
        ulong ClearOnExit,
        ulong RobustList,
        ulong[] Segments);

    /// <summary>Nobody else runs meanwhile: a call that would wait is made again at another turn, until its time is over.</summary>
    long AwaitTurn(long nanoseconds)
    {
        long now = System.Nanoseconds(MonotonicClock);
        Deadline ??= nanoseconds == Forever ? long.MaxValue : now + Math.Min(nanoseconds, long.MaxValue - now);
        return now >= Deadline ? 0 : -Abi.Errno.EWAIT;
    }
}
