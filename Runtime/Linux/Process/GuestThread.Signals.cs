using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>Signals of a thread: what is blocked, what waits, and what happens when one arrives.</summary>
sealed partial class GuestThread
{
    volatile bool _hasAttention;
    ulong _mask;
    ulong? _maskToRestore;

    /// <summary>A call that a stop has interrupted: its result, which says how to restart, and its number. What comes of it is settled when the process goes on.</summary>
    (long Result, ulong Number) _stoppedCall;

    /// <summary>Blocked signals.</summary>
    public ulong Mask
    {
        get => _mask;
        set
        {
            _mask = value & ~Signal.Unmaskable;
            _hasAttention = true;
        }
    }

    /// <summary>Signals sent to this thread alone.</summary>
    public SignalQueue Pending { get; } = new();

    public AlternateStack AlternateStack { get; set; }

    /// <summary>Blocks other signals until the call that is being made has returned and its signal been handled (sigsuspend, ppoll).</summary>
    public void MaskForThisCall(ulong mask)
    {
        _maskToRestore ??= _mask;
        Mask = mask;
    }

    /// <summary>The mask that a handler's frame restores.</summary>
    public ulong TakeMaskToSave()
    {
        ulong mask = _maskToRestore ?? _mask;
        _maskToRestore = null;
        return mask;
    }

    /// <summary>Sends a signal to this thread (tgkill).</summary>
    public long Post(SignalInfo info)
    {
        lock (System.Lock)
        {
            bool isBlocked = (_mask & Signal.Bit(info.Signal)) != 0;
            if (!Process.Accepts(info) || !isBlocked && Process.Actions.Ignores(info.Signal))
            {
                return 0;
            }

            if (!Pending.Add(info))
            {
                return -Errno.EAGAIN;
            }

            Interrupt();
            return 0;
        }
    }

    /// <summary>Sends the signal of a fault, which nothing can hold back: blocked or ignored, it kills.</summary>
    public void Force(SignalInfo info, VcpuExit? cause)
    {
        lock (System.Lock)
        {
            SignalAction action = Process.Actions[info.Signal];
            bool isBlocked = (_mask & Signal.Bit(info.Signal)) != 0;
            if (action.IsHandler && !isBlocked)
            {
                Pending.Add(info);
                _hasAttention = true;
                return;
            }
        }

        if (cause is { } exit)
        {
            Process.ReportCrash(GuestCrash.Of(this, info, exit));
        }

        Process.Terminate(new ExitStatus(0, info.Signal));
    }

    /// <summary>Whether waiting has to stop: a signal to handle, a stop, or the end.</summary>
    public bool MustHandleAttention()
    {
        if (!_hasAttention)
        {
            return false;
        }

        lock (System.Lock)
        {
            // Threads that take turns stand still as they are, in the middle of a call that waits.
            return Process.Status != null || IsLeaving || Process.StopSignal != 0 || System is { IsFreezing: true, Turns: null }
                || ((Pending.Set | Process.Pending.Set) & ~_mask) != 0;
        }
    }

    /// <summary>Handles what has come since the last instruction. False: the thread ends.</summary>
    bool HandleAttention() => HandleAttention(0, 0);

    /// <summary>Handles what has come during a system call. False: the thread ends.</summary>
    /// <param name="result">The call's result if it is one that says how to restart, otherwise 0.</param>
    /// <param name="number">The call's number.</param>
    public bool HandleAttention(long result, ulong number)
    {
        if (_stoppedCall.Result != 0)
        {
            ((result, number), _stoppedCall) = (_stoppedCall, default);
        }

        while (true)
        {
            SignalInfo info;
            SignalAction action;
            lock (System.Lock)
            {
                if (Process.Status != null || IsLeaving)
                {
                    // The flag stays set: whoever asks next ends too.
                    return false;
                }

                _hasAttention = false;

                if (Process.StopSignal != 0)
                {
                    info = default;
                    action = default;
                }
                else if (Pending.TryTake(~_mask, out info) || Process.Pending.TryTake(~_mask, out info))
                {
                    action = Process.Actions[info.Signal];
                }
                else
                {
                    break;
                }
            }

            if (info.Signal == 0 && System.Turns != null)
            {
                // It has no turn before the process goes on.
                (_stoppedCall, _hasAttention) = ((result, number), true);
                return true;
            }

            if (info.Signal == 0)
            {
                WaitUninterrupted(() => Process.StopSignal == 0);
                continue;
            }

            if (System.Options.Debugger is { } debugger && !info.IsFault)
            {
                int signal = debugger.FilterSignal(_cpu, info.Signal);
                if (signal is < 1 or > Signal.Count)
                {
                    continue;
                }

                info = signal == info.Signal ? info : new SignalInfo(signal, SignalInfo.User);
                action = Process.Actions[signal];
            }

            System.Trace?.Signal(this, info);
            if (action.IsHandler)
            {
                SetInterruptedResult(result, number, (action.Flags & SignalAction.Restart) != 0);
                result = 0;
                Deliver(info, action);
                // Further signals nest: their handlers run first.
                continue;
            }

            if (action.Handler == SignalAction.Ignore || Signal.IsIgnoredByDefault(info.Signal))
            {
                continue;
            }

            if (Signal.StopsProcess(info.Signal))
            {
                Process.Stop(info.Signal);
                continue;
            }

            Process.Terminate(new ExitStatus(0, info.Signal));
        }

        if (_maskToRestore is { } mask)
        {
            _maskToRestore = null;
            Mask = mask;
        }

        SetInterruptedResult(result, number, true, noHandler: true);
        return true;
    }

    /// <summary>A call that was interrupted is made again, or returns EINTR.</summary>
    void SetInterruptedResult(long result, ulong number, bool restart, bool noHandler = false)
    {
        if (result == 0)
        {
            return;
        }

        if (noHandler || result == -Errno.ERESTARTSYS && restart)
        {
            // SYSCALL and INT 80h are both two bytes long.
            _cpu.Regs.Rip -= 2;
            _cpu.Regs.Rax = number;
        }
        else
        {
            _cpu.Regs.Rax = Process.Abi.Address(unchecked((ulong)-Errno.EINTR));
        }
    }

    void Deliver(SignalInfo info, SignalAction action)
    {
        ulong oldMask = TakeMaskToSave();
        lock (System.Lock)
        {
            if ((action.Flags & SignalAction.ResetHandler) != 0)
            {
                Process.Actions[info.Signal] = action with { Handler = SignalAction.Default };
            }
        }

        if (!SignalFrame.TryPush(this, info, action, oldMask))
        {
            Process.Terminate(new ExitStatus(0, Signal.SIGSEGV));
            return;
        }

        ulong mask = oldMask | action.Mask;
        Mask = (action.Flags & SignalAction.NoDefer) != 0 ? mask : mask | Signal.Bit(info.Signal);
    }
}
