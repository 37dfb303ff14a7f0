using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Regression;

/// <summary>
/// <c>regression OLD NEW [--runs N] [--guests a,b] [--bits 64,32]</c>: two commits, each built in a work tree of its own, guest by guest in one interleaved run. Fails when a
/// guest, or all of them together, is slower than the measured noise explains, and when what no noise disturbs got worse: host instructions, the size of handlers,
/// allocations.
/// </summary>
static class RegressionCommand
{
    /// <summary>More host instructions than this part for the same work is worse. Counters differ by far less from run to run.</summary>
    const double MoreInstructions = 0.01;

    /// <summary>Measured calls are so many times as long as those that warm up.</summary>
    const int Stretch = 3;

    const int DefaultRuns = 10, AlarmTrials = 2000;

    public static int Run(string[] words)
    {
        CommandWords line = new(words, "--runs", "--guests", "--bits");
        if (line.Rest.Count != 2)
        {
            throw new ArgumentException("expected `regression OLD NEW`: two commits, or a dot for the work tree as it is.");
        }
        IReadOnlyList<GuestProgram> programs = line.Programs;
        int runs = line.Number("--runs", DefaultRuns, 1, 1000);
        NoiseTest test = new(runs, programs.Count + 1);
        string scratch = Directory.CreateTempSubdirectory("fastvcpu-regression").FullName;
        string[] folders = [Path.Combine(scratch, "old"), Path.Combine(scratch, "new")];
        try
        {
            OurTool old = CommitBuild.Prepare("old", line.Rest[0], folders[0]), @new = CommitBuild.Prepare("new", line.Rest[1], folders[1]);
            bool isWorse = Compare(test, programs, runs, old, @new);
            isWorse |= new HandlerSizes(scratch, programs).Compare(old, @new);
            Console.WriteLine(isWorse ? "WORSE" : "ok");
            return isWorse ? 1 : 0;
        }
        finally
        {
            Array.ForEach(folders, CommitBuild.Remove);
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>True when the new commit is slower, needs more host instructions, or allocates.</summary>
    static bool Compare(NoiseTest test, IReadOnlyList<GuestProgram> programs, int runs, OurTool old, OurTool @new)
    {
        GuestComparison[] comparisons = [.. programs.Select(program => new GuestComparison(program))];
        for (int run = 0; run < runs; run++)
        {
            foreach (GuestComparison comparison in comparisons)
            {
                double ratio = comparison.Measure(old, @new, comparison.Program.Iterations * Stretch, comparison.Program.Iterations);
                Console.Error.WriteLine($"{run + 1}/{runs} {comparison.Program} {Math.Exp(ratio):F3}");
            }
        }
        bool isWorse = false;
        foreach (GuestComparison comparison in comparisons)
        {
            isWorse |= Report(comparison.Program.ToString(), test, comparison.Ratios);
        }
        double[] together = [.. Enumerable.Range(0, runs).Select(run => comparisons.Average(comparison => comparison.Ratios[run]))];
        isWorse |= Report("all together", test, together);
        double alarms = test.AlarmRate([.. comparisons.Select(comparison => comparison.Same)], AlarmTrials);
        Console.WriteLine($"false alarms: 1 in {NoiseTest.FalseAlarms} by construction; {alarms:P1} of {AlarmTrials} comparisons drawn from the same-commit ratios of this run");
        return isWorse | Instructions(comparisons) | Allocations(comparisons);
    }

    static bool Report(string what, NoiseTest test, IReadOnlyList<double> logarithms)
    {
        bool isSlower = test.IsSlower(logarithms);
        Console.WriteLine($"{what,-16} new/old {Math.Exp(logarithms.Average()):F3}   noise allows {Math.Exp(-test.Threshold(logarithms)):F3}   {(isSlower ? "SLOWER" : "ok")}");
        return isSlower;
    }

    static bool Instructions(GuestComparison[] comparisons)
    {
        if (comparisons.Any(comparison => comparison.HostInstructions.Old == null || comparison.HostInstructions.New == null))
        {
            Console.WriteLine("host instructions: this machine has no counter for them (perf_event_open), so they are not compared");
            return false;
        }
        bool isWorse = false;
        foreach (GuestComparison comparison in comparisons)
        {
            double was = comparison.HostInstructions.Old!.Value, @is = comparison.HostInstructions.New!.Value;
            bool isMore = @is > was * (1 + MoreInstructions);
            isWorse |= isMore;
            Console.WriteLine($"{comparison.Program,-16} host instructions for each of the guest's {was:F2} → {@is:F2}   {(isMore ? "MORE" : "ok")}");
        }
        return isWorse;
    }

    static bool Allocations(GuestComparison[] comparisons)
    {
        bool isWorse = false;
        foreach (GuestComparison comparison in comparisons.Where(comparison => comparison.Allocated is not (0, 0)))
        {
            (double was, double @is) = comparison.Allocated;
            bool isMore = @is > was;
            isWorse |= isMore;
            Console.WriteLine($"{comparison.Program,-16} bytes allocated for a million instructions {was:F1} → {@is:F1}   {(isMore ? "MORE" : "ok")}");
        }
        if (comparisons.All(comparison => comparison.Allocated is (0, 0)))
        {
            Console.WriteLine("allocations: none, before and after");
        }
        return isWorse;
    }
}
