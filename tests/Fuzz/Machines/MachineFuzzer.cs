namespace FastVcpu.Fuzz.Machines;

/// <summary>
/// Runs random machines – all modes, random descriptor tables and paging structures, interrupts, debugging – in chains of blocks and one instruction at a time. Both have to
/// end in the same state, in time, without an exception of the host and without an access outside of the guest's memory.
/// </summary>
sealed class MachineFuzzer : IDisposable
{
    /// <summary>Instructions of a case.</summary>
    public const long Limit = 5000;

    readonly MachineGenerator generator = new();
    readonly Dictionary<string, RandomMachine> machines = [];
    Random pieces = new(1);
    int longestPiece;

    /// <summary>Instructions that have retired, in all ways together.</summary>
    public long Instructions { get; private set; }

    public long Cases { get; private set; }

    /// <summary>Instructions by mode, and how cases ended.</summary>
    public SortedDictionary<string, long> Statistics { get; } = [];

    /// <summary>What is wrong with a case, or null.</summary>
    public string? Run(int seed)
    {
        generator.Make(seed, Limit);
        MachineShape shape = generator.Shape;
        RandomMachine machine = Machine(shape.Model);
        string stage = "chains";
        try
        {
            MachineEnd chains = machine.Run(generator, Limit, static (cpu, most) => cpu.Run(most));
            Count($"retired in {shape.Mode}", 2 * chains.Retired);
            Count($"retired in {shape.Model.Name}", 2 * chains.Retired);
            Count($"ended by {chains.Reason}", 1);
            Cases++;
            bool readString = machine.ReadString;
            stage = "steps";
            MachineEnd steps = Step(machine, Limit);
            Instructions += chains.Retired + steps.Retired;
            if (chains.Reason == ExitReason.Interrupted || steps.Reason == ExitReason.Interrupted)
            {
                return Describe(seed, "does not get on");
            }
            // How many exits a string of ports takes is not the guest's.
            bool isCut = readString || chains.Reason == ExitReason.Io || steps.Reason == ExitReason.Io;
            string differences = isCut ? "" : chains.Differences(steps);
            return differences.Length == 0 ? null : Describe(seed, Explain(machine));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            machines.Remove(shape.Model.Name);
            return Describe(seed, $"{stage}: {error}");
        }
    }

    public void Dispose()
    {
        foreach (RandomMachine machine in machines.Values)
        {
            machine.Dispose();
        }
    }

    /// <summary>Finds the first instruction after which two ways differ.</summary>
    string Explain(RandomMachine machine)
    {
        // Up to the first the ways are equal, up to the second they are not.
        long equal = 0, different = Limit;
        while (different - equal > 1)
        {
            long middle = (equal + different) / 2;
            (equal, different) = Differences(machine, middle).Length == 0 ? (middle, different) : (equal, middle);
        }
        string differences = Differences(machine, different);
        Step(machine, equal);
        return $"after {different} instructions differs\n{machine.Describe()}{differences}";
    }

    string Differences(RandomMachine machine, long limit) =>
        machine.Run(generator, limit, static (cpu, most) => cpu.Run(most)).Differences(Step(machine, limit));

    string Describe(int seed, string what) => $"seed {seed} ({generator.Shape}): {what}";

    void Count(string name, long count) => Statistics[name] = Statistics.GetValueOrDefault(name) + count;

    RandomMachine Machine(CpuModel model)
    {
        if (!machines.TryGetValue(model.Name, out RandomMachine? machine))
        {
            machines.Add(model.Name, machine = new RandomMachine(model));
        }
        return machine;
    }

    MachineEnd Step(RandomMachine machine, long limit)
    {
        pieces = new Random(1);
        longestPiece = generator.Actions.Count % 2 == 0 ? 2 : 12;
        return machine.Run(generator, limit, RunInSteps);
    }

    /// <summary>One instruction at a time, or a few.</summary>
    VcpuExit RunInSteps(Vcpu cpu, long most)
    {
        long retired = 0;
        VcpuExit exit;
        do
        {
            exit = cpu.Run(Math.Min(most - retired, pieces.Next(1, longestPiece)));
            retired += exit.InstructionsRetired;
        }
        while (exit.Reason == ExitReason.InstructionLimit && retired < most);
        return exit with { InstructionsRetired = retired };
    }
}
