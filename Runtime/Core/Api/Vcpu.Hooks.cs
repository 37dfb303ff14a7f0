using FastVcpu.Execution;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    const int PageBytes = 4096;

    readonly HashSet<ulong> hooks = [];

    /// <summary>For each place of a page, how many hooks are there, in whatever page; null without hooks.</summary>
    ushort[]? hookPlaces;

    /// <summary>Where the last run ended with a hook; the next one goes on behind it if RIP is still there.</summary>
    ulong? passedHook;

    /// <summary>There are hooks.</summary>
    internal bool HasHooks => hookPlaces != null;

    /// <summary>
    /// Lets runs end with <see cref="ExitReason.Hook"/> in front of the instruction at an address. The next run goes on with that instruction, or wherever RIP has been set to: control is the
    /// embedder's. Any number of hooks costs nothing elsewhere.
    /// </summary>
    /// <param name="address">Linear address.</param>
    /// <returns>False: there was a hook already.</returns>
    public bool AddHook(ulong address)
    {
        _ = State;
        if (!hooks.Add(address))
        {
            return false;
        }
        hookPlaces ??= new ushort[PageBytes];
        hookPlaces[address % PageBytes]++;
        blocks.DropAt((int)(address % PageBytes));
        return true;
    }

    /// <summary>Takes a hook away.</summary>
    /// <param name="address">Linear address.</param>
    /// <returns>False: there was none.</returns>
    public bool RemoveHook(ulong address)
    {
        _ = State;
        if (!hooks.Remove(address))
        {
            return false;
        }
        hookPlaces![address % PageBytes]--;
        hookPlaces = hooks.Count == 0 ? null : hookPlaces;
        blocks.DropAt((int)(address % PageBytes));
        return true;
    }

    /// <summary>An instruction at this place of a page may have a hook.</summary>
    internal bool MayHookAt(int pageOffset) => hookPlaces != null && hookPlaces[pageOffset] != 0;

    /// <summary>An instruction has a hook.</summary>
    internal bool IsHooked(ulong linear) => hooks.Contains(linear);

    /// <summary>Looks whether the instruction at RIP has a hook that has not been reported. True: the run ends.</summary>
    bool TakeHook()
    {
        ulong linear = CodeFetch.Linear(state, state->Rip);
        bool passes = passedHook == linear;
        passedHook = null;
        return !passes && hooks.Contains(linear) && EndWithHook(linear);
    }

    /// <summary>Tells the embedder. Always true: the run ends.</summary>
    bool EndWithHook(ulong linear)
    {
        UpdateMode();
        passedHook = linear;
        exit = new VcpuExit { Reason = ExitReason.Hook, Address = linear };
        return true;
    }
}
