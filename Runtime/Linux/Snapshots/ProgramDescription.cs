using System.Globalization;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Snapshots;

/// <summary>
/// What has to be known of a program before its snapshot can be restored: kept in <see cref="MachineSnapshot.Description"/>. As text, a line for each: a name, a blank, a value.
/// </summary>
sealed record ProgramDescription
{
    /// <summary>What the snapshot is of.</summary>
    const string Kind = "Linux program";

    /// <summary>Which values there are and in which order; another number after each change.</summary>
    const int Format = 2;

    /// <summary>The width of the program.</summary>
    public required LinuxAbi Abi { get; init; }

    public required CpuModel CpuModel { get; init; }

    /// <summary>The time follows the instructions.</summary>
    public required bool IsDeterministic { get; init; }

    /// <summary>The most threads that it may have.</summary>
    public required int MaxThreads { get; init; }

    /// <summary>Numbers of its threads; the first one has the number of the process.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    public static ProgramDescription Of(GuestProcess process) => new()
    {
        Abi = process.Abi,
        CpuModel = process.System.Options.CpuModel,
        IsDeterministic = process.System.Options.Clock is InstructionClock,
        MaxThreads = process.System.Options.MaxThreads,
        Threads = [.. process.Threads.Select(thread => thread.Id)],
    };

    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    /// <exception cref="SnapshotException">It describes no program.</exception>
    public static ProgramDescription Parse(string text)
    {
        string[] lines = text.Split('\n');
        Dictionary<string, string> values = [];
        foreach (string line in lines.Skip(1))
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            values[space < 0 ? line : line[..space]] = line[(space + 1)..];
        }

        if (lines[0] == Kind && values.GetValueOrDefault("format") != $"{Format}")
        {
            throw new SnapshotException($"The snapshot's program was saved in format {values.GetValueOrDefault("format") ?? "1"}; this version reads format {Format}.");
        }

        int[] threads = [.. (values.GetValueOrDefault("threads") ?? "").Split(' ').Select(number => int.TryParse(number, CultureInfo.InvariantCulture, out int id) ? id : 0)];
        bool isDescription = lines[0] == Kind && values.GetValueOrDefault("bits") is "32" or "64" && CpuModel.Find(values.GetValueOrDefault("cpu") ?? "") != null
            && bool.TryParse(values.GetValueOrDefault("deterministic"), out _)
            && int.TryParse(values.GetValueOrDefault("max-threads"), CultureInfo.InvariantCulture, out int most) && threads.Length <= most && threads.Length <= LinuxSystem.MostThreads
            && threads.All(id => id is >= LinuxSystem.FirstProcessId and < LinuxSystem.LastId) && threads.Distinct().Count() == threads.Length;
        if (!isDescription)
        {
            throw new SnapshotException("The snapshot is not of a Linux program.");
        }

        return new ProgramDescription
        {
            Abi = values["bits"] == "64" ? LinuxAbi.Amd64 : LinuxAbi.I386,
            CpuModel = CpuModel.Find(values["cpu"])!,
            IsDeterministic = bool.Parse(values["deterministic"]),
            MaxThreads = int.Parse(values["max-threads"], CultureInfo.InvariantCulture),
            Threads = threads,
        };
    }

    /// <summary>The lines.</summary>
    public override string ToString() =>
        $"{Kind}\nformat {Format}\nbits {(Abi.Is64 ? 64 : 32)}\ncpu {CpuModel.Name}\ndeterministic {IsDeterministic}\nmax-threads {MaxThreads}\nthreads {string.Join(' ', Threads)}";
}
