using FastVcpu.Linux.Files;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Snapshots;

/// <summary>A process as a whole, while nothing of it runs: its memory, its threads with their CPUs, and what the system knows of it.</summary>
sealed class ProgramState
{
    readonly GuestProcess _process;
    readonly DescriptorState _descriptors;
    readonly UserModeGuest _guest;

    /// <summary>Puts the parts together.</summary>
    /// <param name="process">The process.</param>
    /// <param name="takesTurns">The threads take turns, in a time that follows the instructions.</param>
    public ProgramState(GuestProcess process, bool takesTurns)
    {
        _process = process;
        _descriptors = new DescriptorState(process);
        _guest = new UserModeGuest(process.Memory.Space);
        _guest.AddState("system", process.System);
        _guest.AddState("process", process);
        _guest.AddState("memory", process.Memory);
        _guest.AddState("descriptors", _descriptors);
        foreach (GuestThread thread in process.Threads)
        {
            _guest.AddState($"thread {thread.Id}", thread);
            if (!takesTurns)
            {
                _guest.AddState($"cpu {thread.Id}", thread.Cpu);
            }
        }

        if (takesTurns)
        {
            _guest.AddState("turns", process.System.Turns!);
            _guest.AddState("clock", process.System.Options.Clock!);
        }
    }

    public MachineSnapshot Take()
    {
        if (Problem() is { } problem)
        {
            throw new SnapshotException($"The program cannot be saved: {problem}.");
        }

        MachineSnapshot snapshot = _guest.TakeSnapshot();
        snapshot.Description = ProgramDescription.Of(_process).ToString();
        return snapshot;
    }

    /// <summary>Restores a process that has been made for the snapshot.</summary>
    /// <exception cref="SnapshotException">It has values that cannot be, or files that are not there.</exception>
    public void Restore(MachineSnapshot snapshot)
    {
        _guest.Restore(snapshot);
        _process.Memory.FinishRestoring();
    }

    public byte[] Hash() => _guest.StateHash();

    string? Problem()
    {
        GuestProcess? other = _process.System.Processes.Values.FirstOrDefault(other => other != _process);
        return other != null ? $"there is another process, {other.Id} ({PathText.ToUnicode(other.Name)})"
            : _process.StopSignal != 0 ? "a signal has stopped it"
            : _process.Memory.Mappings.FirstOrDefault(mapping => mapping.Shared is { HasFile: true }) is { } mapping ? $"{PathText.ToUnicode(mapping.Name)} is mapped shared"
            : _descriptors.Problem();
    }
}
