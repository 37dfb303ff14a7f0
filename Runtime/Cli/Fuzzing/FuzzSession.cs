using FastVcpu.Cli.Booting;
using FastVcpu.Cli.Calling;
using FastVcpu.Cli.Input;
using FastVcpu.Fuzzing;
using FastVcpu.Linux;

namespace FastVcpu.Cli.Fuzzing;

/// <summary>A target that is set up and stands where its input is put in.</summary>
sealed class FuzzSession : IDisposable
{
    /// <summary>The longest input.</summary>
    public const int MostInput = 1 << 20;

    /// <summary>Libraries' functions are looked up before the program is frozen, not in each run.</summary>
    static readonly string[] BindNow = ["LD_BIND_NOW=1"];

    readonly List<IDisposable> owned = [];
    readonly Dictionary<string, string?> hashes = [];
    FrozenProgram? program;

    readonly long approach;

    /// <summary>Sets a target up.</summary>
    /// <param name="target">The target.</param>
    /// <param name="approach">The most instructions that it may take to get to its input.</param>
    /// <exception cref="InputException">It cannot be.</exception>
    public FuzzSession(TargetDescription target, long approach = 10_000_000_000)
    {
        this.approach = approach;
        CpuModel model = CpuModel.Find(target.Cpu) ?? throw new InputException($"'{target.Cpu}' is not a CPU model.");
        Harness = target.IsSnapshot ? OfSnapshot(target) : target.IsFlat ? OfFlatBinary(target, model) : OfProgram(target, model);
        owned.Add(Harness);
    }

    /// <summary>Runs inputs.</summary>
    public Harness Harness { get; }

    /// <summary>Runs an input and prints what became of it in a line.</summary>
    public FuzzResult Report(string name, byte[] input, CoverageMap coverage)
    {
        coverage.Clear();
        FuzzResult result = Harness.RunAndLocate(input);
        string outcome = result.Outcome.ToString().ToLowerInvariant(), bucket = result.Bucket.Length > 0 && result.Bucket != outcome ? result.Bucket + " " : "";
        string refused = program is { RefusedCalls.Count: > 0 } ? $"; refused, for a target stays the program that it is: {string.Join(", ", program.RefusedCalls.Order())}" : "";
        Console.WriteLine($"{name}: {outcome} {bucket}after {result.Instructions} instructions, {coverage.Blocks.Count} blocks{refused}");
        return result;
    }

    /// <summary>What a program has loaded or opened besides its own file.</summary>
    public FileHash[] OpenedFiles(TargetDescription target) =>
        [.. (program?.OpenedFiles ?? []).Where(path => path != target.File && HashOf(path) != target.Sha256).Select(path => new FileHash(path, HashOf(path)))];

    /// <summary>Says in sentences which files are not those that a program had opened.</summary>
    public IEnumerable<string> OtherFiles(TargetDescription target) =>
        target.Files.Where(file => HashOf(file.Path) != file.Sha256).Select(file => HashOf(file.Path) == null ? $"{file.Path} is not there" : $"{file.Path} is another file than it was");

    string? HashOf(string path)
    {
        if (!hashes.TryGetValue(path, out string? hash))
        {
            hashes[path] = hash = program?.HashFile(path);
        }

        return hash;
    }

    public void Dispose()
    {
        for (int i = owned.Count - 1; i >= 0; i--)
        {
            owned[i].Dispose();
        }
    }

    Harness OfFlatBinary(TargetDescription target, CpuModel model)
    {
        CodeWidth.Require(model, target.Bits);
        AddressRange[] maps = [.. target.Maps.Select(text => AddressRange.TryParse(text, out AddressRange map) && map.Size != 0 && map.Last >= map.Start ? map : throw new InputException($"'{text}' is not a map."))];
        if (target.Bits == 16 || maps is not [AddressRange room, ..])
        {
            throw new InputException("A flat target is code of 32 or 64 bits with a map for the input.");
        }

        FlatProgram program = new(new CallRequest(target.Content!, target.Base, target.Entry ?? target.Base, maps, [], target.Limit, model), target.Bits, new InstructionClock());
        owned.Add(program);
        program.Cpu.RandomSeed = 1;
        return new Harness(program.Cpu)
        {
            EndAddress = program.ReturnAddress,
            InstructionLimit = target.Limit,
            Inject = (cpu, input) =>
            {
                input = input[..(int)Math.Min((ulong)input.Length, Math.Min(room.Size, MostInput))];
                program.Space.Write(room.Start, input);
                CallArguments.Set(cpu, [room.Start, (ulong)input.Length], target.Bits);
            },
        };
    }

    Harness OfSnapshot(TargetDescription target)
    {
        using MachineSnapshot snapshot = SnapshotFile.Read(target.File);
        if (snapshot.IsOfUserMode)
        {
            return target.CrashAddresses.Length > 0
                ? throw new InputException("--crash is for snapshots of machines; a program crashes by its signals.")
                : OfProgram(target, () => new FrozenProgram(snapshot, new LinuxOptions(), target.Entry, approach));
        }

        SnapshotTarget machine = new(target, snapshot, approach);
        owned.Add(machine);
        return new Harness(machine.Machine)
        {
            EndAddress = machine.ReturnAddress,
            InstructionLimit = target.Limit,
            Inject = (_, input) => machine.Inject(input),
            OnExit = machine.Serve,
            Classify = (Vcpu _, in VcpuExit _) => machine.SleepsForEver ? (FuzzOutcome.Hang, "blocked") : (FuzzOutcome.Crash, null),
        };
    }

    Harness OfProgram(TargetDescription target, CpuModel model)
    {
        LinuxOptions options = new() { Arguments = target.Arguments, Environment = [.. BindNow, .. target.Environment], WorkingDirectory = target.WorkingDirectory, CpuModel = model };
        return OfProgram(target, () => new FrozenProgram(target.File, options, target.Entry, approach, target.Desock));
    }

    Harness OfProgram(TargetDescription target, Func<FrozenProgram> create)
    {
        try
        {
            program = create();
        }
        catch (Exception error) when (error is LinuxLoadException or SnapshotException or PlatformNotSupportedException)
        {
            throw new InputException(error.Message);
        }

        owned.Add(program);
        program.AllowsProcesses = true;
        return new Harness(program.Cpu)
        {
            RunningCpu = () => program.RunningCpu,
            InstructionLimit = target.Limit,
            Locate = program.Locate,
            Inject = (_, input) => program.Begin(input),
            OnExit = (Vcpu _, in VcpuExit exit) => program.Serve(exit),
            Classify = (Vcpu _, in VcpuExit _) =>
                program.IsBlocked ? (FuzzOutcome.Hang, "blocked")
                : program.Exit is { Signal: not 0 and int signal } ? (FuzzOutcome.Crash, $"signal-{signal}")
                : (FuzzOutcome.Done, null),
        };
    }
}
