using System.Diagnostics;

namespace FastVcpu.Fuzz.Files;

/// <summary>
/// Hands in damaged files and packets, each a case with a seed of its own. What must not happen: an exception that is none of a refusal, a case that does not end, and one that
/// takes more memory than the input deserves.
/// </summary>
sealed class FileFuzzer : IDisposable
{
    const long MostAllocated = 512L << 20, MostResident = 3L << 30;

    static readonly TimeSpan patience = TimeSpan.FromMinutes(10);

    readonly (string Name, HostileFile File)[] kinds;

    /// <summary>Sets it up.</summary>
    /// <param name="only">The kind of file, or an empty string for all.</param>
    public FileFuzzer(string only = "")
    {
        (string, Func<HostileFile>)[] all =
        [
            ("program", () => new HostileProgram()), ("kernel", () => new HostileKernel()), ("vectors", () => new HostileVectors()), ("packets", () => new HostilePackets()),
            ("reproduction", () => new HostileReproduction()), ("snapshot", () => new HostileSnapshot()), ("debugger", () => new HostileDebugger()), ("debian", () => new DebianKernel()),
        ];
        kinds = [.. all.Where(kind => only.Length == 0 || kind.Item1 == only).Select(kind => (kind.Item1, kind.Item2()))];
    }

    /// <summary>How many cases of which kind have ended how.</summary>
    public SortedDictionary<string, int> Ends { get; } = [];

    /// <summary>The longest case.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>Whether a case is still running, which nobody can end.</summary>
    public bool Hangs { get; private set; }

    /// <summary>Runs one case of each kind; null, or what has gone wrong.</summary>
    public string? Run(int seed)
    {
        foreach ((string name, HostileFile file) in kinds)
        {
            if (Run(name, file, seed) is { } finding)
            {
                return $"seed {seed}, {name}: {finding}";
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, HostileFile file) in kinds)
        {
            file.Dispose();
        }
    }

    string? Run(string name, HostileFile file, int seed)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Task<(string End, long Allocated)> run = Task.Run(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            string end = file.Take(new Random(seed));
            return (end, GC.GetAllocatedBytesForCurrentThread() - before);
        });
        try
        {
            if (!run.Wait(patience))
            {
                Hangs = true;
                return $"does not end within {patience.TotalMinutes} minutes";
            }
        }
        catch (AggregateException error)
        {
            return error.InnerException!.ToString();
        }
        Slowest = watch.Elapsed > Slowest ? watch.Elapsed : Slowest;
        string kind = $"{name} {run.Result.End}";
        Ends[kind] = Ends.GetValueOrDefault(kind) + 1;
        return run.Result.Allocated > MostAllocated ? $"allocates {run.Result.Allocated >> 20} MiB"
            : Environment.WorkingSet > MostResident ? $"{Environment.WorkingSet >> 20} MiB of memory are in use"
            : null;
    }
}
