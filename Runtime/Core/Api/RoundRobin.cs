namespace FastVcpu;

/// <summary>
/// Runs the vCPUs of a machine on one thread, in turn. With an <see cref="InstructionClock"/> a run always goes the same way, whatever the host does.
/// </summary>
public sealed class RoundRobin : IStateful
{
    readonly VirtualMachine vm;
    readonly Vcpu[] cpus;
    readonly long quantum;
    int turn;
    long used;

    /// <summary>Takes the vCPUs that a machine has.</summary>
    /// <param name="vm">The machine, with all its vCPUs.</param>
    /// <param name="quantum">Instructions of one turn.</param>
    public RoundRobin(VirtualMachine vm, long quantum = 10_000)
    {
        ArgumentNullException.ThrowIfNull(vm);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(quantum);
        ArgumentOutOfRangeException.ThrowIfZero(vm.Vcpus.Count, nameof(vm));
        this.vm = vm;
        cpus = [.. vm.Vcpus];
        this.quantum = quantum;
    }

    /// <summary>The vCPU whose turn it is: the one that ended the last run.</summary>
    public Vcpu Current => cpus[turn];

    /// <summary>Whose turn it is, and how much of it is used.</summary>
    /// <param name="state">Takes the values, or replaces them.</param>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Value(ref turn, 0, cpus.Length - 1);
        state.Value(ref used, 0, quantum);
    }

    /// <summary>Runs until something ends the run of one of them. The next run goes on with the same one, in the middle of its turn.</summary>
    /// <param name="instructions">The most instructions to retire, all together; exact.</param>
    /// <returns>Why <see cref="Current"/> ended it, with the instructions of all.</returns>
    public VcpuExit Run(long instructions = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(instructions);
        long left = instructions;
        int idle = 0;
        while (true)
        {
            VcpuExit exit = Current.RunTurn(Math.Min(left, quantum - used));
            left -= exit.InstructionsRetired;
            used += exit.InstructionsRetired;
            bool isIdle = exit.Reason == ExitReason.Hlt && Current.IsWaiting;
            idle = isIdle && exit.InstructionsRetired == 0 ? idle + 1 : 0;
            if (!isIdle && (exit.Reason != ExitReason.InstructionLimit || left == 0))
            {
                return exit with { InstructionsRetired = instructions - left };
            }
            if (isIdle || used >= quantum)
            {
                turn = (turn + 1) % cpus.Length;
                used = 0;
            }
            if (idle == cpus.Length)
            {
                left -= WaitForAny();
                idle = 0;
            }
        }
    }

    /// <summary>
    /// Nobody has anything to do: the time goes on to the next deadline, or somebody outside has something. Returns what it costs: a guest that nothing will ever wake comes
    /// to the end of its limit too.
    /// </summary>
    int WaitForAny()
    {
        if (vm.Clock is InstructionClock clock && clock.TrySkip())
        {
            clock.FireDue();
            return cpus.Any(cpu => cpu.HasPending) ? 0 : 1;
        }
        lock (vm.WakeGate)
        {
            while (!cpus.Any(cpu => cpu.HasPending))
            {
                Monitor.Wait(vm.WakeGate);
            }
        }
        return 0;
    }
}
