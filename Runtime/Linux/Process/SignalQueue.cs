using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>Signals that wait for delivery. Standard signals are there once, real-time signals queue up.</summary>
sealed class SignalQueue : IStateful
{
    const int FirstRealTime = 32;

    /// <summary>RLIMIT_SIGPENDING.</summary>
    const int Limit = 1024;

    readonly List<SignalInfo> _signals = [];

    /// <summary>The set of waiting signals.</summary>
    public ulong Set { get; private set; }

    public void Transfer(StateTransfer state)
    {
        List<SignalInfo> signals = [.. _signals];
        int count = state.Count(signals.Count, Limit);
        if (state.IsRestoring)
        {
            Remove(ulong.MaxValue);
        }

        for (int i = 0; i < count; i++)
        {
            SignalInfo info = state.IsRestoring ? default : signals[i];
            info = new SignalInfo(state.Value(info.Signal), state.Value(info.Code))
            {
                ProcessId = state.Value(info.ProcessId),
                UserId = state.Value(info.UserId),
                Status = state.Value(info.Status),
                Value = state.Value(info.Value),
                Address = state.Value(info.Address),
                TrapVector = state.Value(info.TrapVector),
                TrapErrorCode = state.Value(info.TrapErrorCode),
            };
            state.Require(info.Signal is >= 1 and <= Signal.Count);
            if (state.IsRestoring)
            {
                Add(info);
            }
        }
    }

    /// <summary>Adds a signal. False: the queue of real-time signals is full.</summary>
    public bool Add(SignalInfo info)
    {
        if ((Set & Signal.Bit(info.Signal)) != 0 && info.Signal < FirstRealTime)
        {
            return true;
        }

        if (_signals.Count >= Limit)
        {
            return false;
        }

        _signals.Add(info);
        Set |= Signal.Bit(info.Signal);
        return true;
    }

    /// <summary>Takes the most urgent signal of a set: faults of the program first, then by number.</summary>
    public bool TryTake(ulong allowed, out SignalInfo info)
    {
        const ulong faults = 1UL << Signal.SIGSEGV - 1 | 1UL << Signal.SIGBUS - 1 | 1UL << Signal.SIGILL - 1 | 1UL << Signal.SIGTRAP - 1
            | 1UL << Signal.SIGFPE - 1 | 1UL << Signal.SIGSYS - 1;
        info = default;
        ulong candidates = Set & allowed;
        if (candidates == 0)
        {
            return false;
        }

        ulong urgent = (candidates & faults) != 0 ? candidates & faults : candidates;
        int signal = System.Numerics.BitOperations.TrailingZeroCount(urgent) + 1;
        int index = _signals.FindIndex(waiting => waiting.Signal == signal);
        info = _signals[index];
        _signals.RemoveAt(index);
        if (_signals.TrueForAll(waiting => waiting.Signal != signal))
        {
            Set &= ~Signal.Bit(signal);
        }

        return true;
    }

    /// <summary>Forgets the signals of a set.</summary>
    public void Remove(ulong set)
    {
        _signals.RemoveAll(info => (set & Signal.Bit(info.Signal)) != 0);
        Set &= ~set;
    }
}
