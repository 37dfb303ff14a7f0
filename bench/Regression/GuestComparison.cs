using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Regression;

/// <summary>What one guest showed of two commits.</summary>
sealed class GuestComparison(GuestProgram program)
{
    const double Million = 1e6;

    readonly List<double> ratios = [], same = [];

    public GuestProgram Program => program;

    /// <summary>For each round, the logarithm of the speed of the new commit by that of the old one.</summary>
    public IReadOnlyList<double> Ratios => ratios;

    /// <summary>Logarithms of ratios of a commit to itself, scaled so that they spread as those of two commits do.</summary>
    public IReadOnlyList<double> Same => same;

    /// <summary>Host instructions for each instruction of the guest: the least of all runs, or null without a counter.</summary>
    public (double? Old, double? New) HostInstructions { get; private set; }

    /// <summary>Bytes allocated for each million of the guest's instructions: the least of all runs.</summary>
    public (double Old, double New) Allocated { get; private set; } = (double.MaxValue, double.MaxValue);

    /// <summary>One round. Old, new, new, old: what drifts steadily meets both alike.</summary>
    public double Measure(OurTool old, OurTool @new, long iterations, long warmUp)
    {
        GuestResult[] results = [.. new[] { old, @new, @new, old }.Select(tool => tool.Call(program, iterations, warmUp, null).Result)];
        if (results.Any(result => result.Checksum != results[0].Checksum || result.Instructions != results[0].Instructions))
        {
            throw new EngineException($"The commits do not agree on what {program} computes.");
        }
        Note(results);
        double[] times = [.. results.Select(result => Math.Log(result.Seconds))];
        ratios.Add((times[0] + times[3] - times[1] - times[2]) / 2);
        // A difference of two has the variance of two, and the ratio above that of four by four.
        same.Add((times[0] - times[3]) / Math.Sqrt(2));
        same.Add((times[1] - times[2]) / Math.Sqrt(2));
        return ratios[^1];
    }

    void Note(GuestResult[] results)
    {
        double instructions = results[0].Instructions;
        double? Host(int first, int second) => results[first].HostInstructions is { } one && results[second].HostInstructions is { } two ? Math.Min(one, two) / instructions : null;
        double Bytes(int first, int second) => Math.Min(results[first].Allocated, results[second].Allocated) * Million / instructions;
        HostInstructions = (Least(HostInstructions.Old, Host(0, 3)), Least(HostInstructions.New, Host(1, 2)));
        Allocated = (Math.Min(Allocated.Old, Bytes(0, 3)), Math.Min(Allocated.New, Bytes(1, 2)));
    }

    static double? Least(double? one, double? two) => one is null ? two : two is null ? one : Math.Min(one.Value, two.Value);
}
