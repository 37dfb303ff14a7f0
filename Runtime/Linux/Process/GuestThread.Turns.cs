using FastVcpu.Linux.Host;
using FastVcpu.Linux.SystemCalls;

namespace FastVcpu.Linux.Process;

/// <summary>A thread that takes turns with all others (<see cref="Turns"/>) and shares its CPU with those of its process.</summary>
sealed partial class GuestThread
{
    HostPollEntry[] _awaited = [];

    /// <summary>Its registers while those of another thread are in the CPU; null while they are its own.</summary>
    public VcpuState? Registers { get; private set; }

    /// <summary>How the CPU stopped for a call that waits and is to be made again; null while the thread can go on.</summary>
    public VcpuExit? Waiting { get; private set; }

    /// <summary>Until when the call waits that is being made, in the time of the monotonic clock; null before it does.</summary>
    public long? Deadline { get; private set; }

    /// <summary>Where it stands among those that wait for a futex.</summary>
    public FutexWaiter? FutexWaiter { get; set; }

    /// <summary>Bytes that the call that waits has written already.</summary>
    public long Progress { get; set; }

    /// <summary>Files that the call waits for; none where the host cannot make them ready.</summary>
    public IReadOnlyList<HostPollEntry> Awaited => Waiting == null ? [] : _awaited;

    /// <summary>Neither it nor its process has ended.</summary>
    public bool IsAlive => !IsLeaving && Process.Status == null;

    /// <summary>The child of its vfork has neither ended nor got a program of its own.</summary>
    public bool IsHeld => Borrower is { HoldsVforkParent: true };

    /// <summary>The child of its last vfork.</summary>
    public GuestProcess? Borrower { get; set; }

    /// <summary>Takes its registers out of its CPU.</summary>
    public void Leave() => Registers = _cpu.SaveState();

    /// <summary>Puts registers into its CPU.</summary>
    public void Enter(VcpuState registers)
    {
        _cpu.RestoreState(registers);
        Registers = null;
    }

    /// <summary>Its registers as data, wherever they are.</summary>
    public void TransferRegisters(StateTransfer state)
    {
        VcpuState? others = null;
        if (Registers is { } registers)
        {
            others = _cpu.SaveState();
            _cpu.RestoreState(registers);
        }

        state.Part(_cpu);
        if (others != null)
        {
            Leave();
            _cpu.RestoreState(others);
        }
    }

    /// <summary>The call that it is in, as data.</summary>
    public void TransferCall(StateTransfer state)
    {
        const byte systemCall = 1, interrupt = 2;
        byte kind = state.Value(Waiting == null ? (byte)0 : Waiting.Value.Reason == ExitReason.SystemCall ? systemCall : interrupt);
        state.Require(kind <= interrupt);
        Deadline = state.Value(Deadline);
        Progress = state.Value(Progress);
        _maskToRestore = state.Value(_maskToRestore);
        state.Require(Progress >= 0 && Deadline is null or >= 0);
        if (state.IsRestoring)
        {
            Waiting = kind switch
            {
                0 => null,
                systemCall => new VcpuExit { Reason = ExitReason.SystemCall },
                _ => new VcpuExit { Reason = ExitReason.SoftwareInterrupt, Vector = SystemCallDispatcher.Interrupt },
            };
        }
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
            (Waiting, Deadline, Progress, _awaited) = (null, null, 0, []);
        }
    }

    /// <summary>The thread has ended; the last one gives the CPU back.</summary>
    public void EndInTurns()
    {
        ReleaseFutexes();
        bool isLast = Process.Threads.Count == 1;
        lock (System.Lock)
        {
            (IsLeaving, _cpuIsGone) = (true, true);
        }

        System.Count(_instructions, isLast ? _cpu.BlocksDecoded : 0);
        if (isLast)
        {
            System.Options.Debugger?.Retired(_cpu);
            _cpu.Dispose();
        }

        Process.RemoveThread(this);
    }

    /// <summary>It and its process have never been, and nobody is told of their end.</summary>
    public void Drop()
    {
        if (Process.Threads[0] == this)
        {
            _cpu.Dispose();
            Process.Drop();
        }
    }

    /// <summary>What the system knows of the thread, for <see cref="Restore"/>.</summary>
    public State Save() => new(
        Registers, Waiting, Deadline, FutexWaiter, Progress, _mask, _maskToRestore, AlternateStack, ClearOnExit, RobustList,
        [.. Enumerable.Range(ThreadDescriptors.First, ThreadDescriptors.Count).Select(entry => Descriptors[entry])]);

    /// <summary>Makes it what it was, without what has been sent to it since.</summary>
    public void Restore(State state)
    {
        (IsLeaving, _cpuIsGone, Borrower) = (false, false, null);
        Pending.Remove(ulong.MaxValue);
        Mask = state.Mask;
        _maskToRestore = state.MaskToRestore;
        _stoppedCall = default;
        _hasAttention = false;
        (Registers, Waiting, Deadline, FutexWaiter, Progress) = (state.Registers, state.Waiting, state.Deadline, state.FutexWaiter, state.Progress);
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
        long Progress,
        ulong Mask,
        ulong? MaskToRestore,
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
