using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Regression;

/// <summary>
/// <c>regression OLD NEW [--runs N] [--guests a,b] [--bits 64,32]</c>: two commits, each built in a work tree of its own, guest by guest in one
/// interleaved run. Fails when a guest, or all of them together, is slower than the measured noise explains, or when handlers have grown.
/// </summary>
static class RegressionCommand
{
    /// <summary>What is called slower: this many standard errors, and at least this part.</summary>
    const double Errors = 3, LeastPart = 0.01;

    /// <summary>Handlers that both commits have may grow by this part in sum.</summary>
    const double Growth = 0.03;

    public static int Run(CommandWords line)
    {
        if (line.Rest.Count != 2)
        {
            throw new ArgumentException("expected `regression OLD NEW`, two commits.");
        }
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("fastvcpu-regression");
        try
        {
            OurTool[] tools = [.. line.Rest.Select((commit, i) => Prepare(commit, Path.Combine(scratch.FullName, i.ToString()), line.Guests))];
            bool isSlower = Compare(line, tools[0], tools[1]);
            bool isLarger = new HandlerSizes(scratch.FullName, line.Programs).Compare(tools[0], tools[1], Growth);
            return isSlower || isLarger ? 1 : 0;
        }
        finally
        {
            foreach (DirectoryInfo tree in scratch.GetDirectories())
            {
                CpuTime.Run("git", ["worktree", "remove", "--force", tree.FullName], folder: Repository.Root);
            }
            scratch.Delete(recursive: true);
        }
    }

    static OurTool Prepare(string commit, string folder, string guests)
    {
        Finished added = CpuTime.Run("git", ["worktree", "add", "--detach", folder, commit], folder: Repository.Root);
        if (added.ExitCode != 0)
        {
            throw new ArgumentException($"{commit}: {added.Output}");
        }
        OurTool tool = new(commit, folder, guests);
        tool.Build();
        return tool;
    }

    /// <summary>True when the new commit is slower.</summary>
    static bool Compare(CommandWords line, OurTool old, OurTool @new)
    {
        Dictionary<GuestProgram, Sample> ratios = [];
        Sample all = new();
        for (int run = 0; run < line.Runs; run++)
        {
            List<double> round = [];
            foreach (GuestProgram program in line.Programs)
            {
                // Old, new, new, old: what drifts steadily meets both alike.
                double first = old.Measure(program, out _), second = @new.Measure(program, out _);
                double third = @new.Measure(program, out _), fourth = old.Measure(program, out _);
                double ratio = Math.Log(second * third / (first * fourth)) / 2;
                ratios.TryAdd(program, new Sample());
                ratios[program].Add(ratio);
                round.Add(ratio);
                Console.Error.WriteLine($"{run + 1}/{line.Runs} {program} {Math.Exp(ratio):F3}");
            }
            all.Add(round.Average());
        }
        bool isSlower = false;
        foreach ((GuestProgram program, Sample sample) in ratios)
        {
            isSlower |= Report(program.ToString(), sample);
        }
        return Report("all together", all) | isSlower;
    }

    /// <summary>True when the logarithms say slower.</summary>
    static bool Report(string what, Sample logarithms)
    {
        double threshold = Math.Max(LeastPart, Errors * logarithms.Error);
        bool isSlower = logarithms.Median < -threshold;
        Console.WriteLine($"{what,-16} new/old {Math.Exp(logarithms.Median):F3}   noise allows {Math.Exp(-threshold):F3}   {(isSlower ? "SLOWER" : "ok")}");
        return isSlower;
    }
}
