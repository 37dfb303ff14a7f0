using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>What a process does with a signal.</summary>
/// <param name="Handler">SIG_DFL, SIG_IGN or the address of a function.</param>
/// <param name="Flags">SA_ flags.</param>
/// <param name="Restorer">Where the handler returns to.</param>
/// <param name="Mask">Signals blocked while it runs.</param>
readonly record struct SignalAction(ulong Handler, uint Flags, ulong Restorer, ulong Mask)
{
    public const ulong Default = 0, Ignore = 1;
    public const uint NoChildStop = 1, NoChildWait = 2, WithInformation = 4, HasRestorer = 0x0400_0000, OnAlternateStack = 0x0800_0000;
    public const uint Restart = 0x1000_0000, NoDefer = 0x4000_0000, ResetHandler = 0x8000_0000;

    public bool IsHandler => Handler > Ignore;
}

/// <summary>The signal actions of a process; shared by processes with CLONE_SIGHAND.</summary>
sealed class SignalActions : IStateful
{
    readonly SignalAction[] _actions = new SignalAction[Signal.Count + 1];

    public SignalAction this[int signal]
    {
        get => _actions[signal];
        set => _actions[signal] = value;
    }

    public void Transfer(StateTransfer state)
    {
        foreach (ref SignalAction action in _actions.AsSpan())
        {
            action = new SignalAction(state.Value(action.Handler), state.Value(action.Flags), state.Value(action.Restorer), state.Value(action.Mask));
        }
    }

    /// <summary>Whether the signal does nothing.</summary>
    public bool Ignores(int signal) => _actions[signal].Handler == SignalAction.Ignore
        || _actions[signal].Handler == SignalAction.Default && Signal.IsIgnoredByDefault(signal);

    public SignalActions Clone()
    {
        SignalActions copy = new();
        _actions.CopyTo(copy._actions, 0);
        return copy;
    }

    /// <summary>What execve leaves: ignored signals stay ignored, handlers are gone.</summary>
    public SignalActions ForExec()
    {
        SignalActions fresh = new();
        for (int i = 1; i <= Signal.Count; i++)
        {
            fresh._actions[i] = _actions[i].Handler == SignalAction.Ignore ? new SignalAction(SignalAction.Ignore, 0, 0, 0) : default;
        }

        return fresh;
    }
}
