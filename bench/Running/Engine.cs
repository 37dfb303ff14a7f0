using System.Text.RegularExpressions;
using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Running;

/// <summary>Something that runs guest programs in a process of its own.</summary>
abstract partial class Engine(string name)
{
    /// <summary>CPU seconds that the shorter of the two runs of a measurement takes at least, start-up not counted.</summary>
    const double Enough = 0.15;

    /// <summary>How much longer the other one is.</summary>
    const int Stretch = 4;

    const int MostIterations = 1 << 26;

    const double Million = 1e6, Milliseconds = 1e3;

    readonly Dictionary<GuestProgram, int> iterations = [];

    public string Name => name;

    /// <summary>What is missing, or null.</summary>
    public abstract string? Missing { get; }

    /// <summary>Calls the program; the output has its checksum as eight hexadecimal digits behind an equals sign.</summary>
    public abstract Finished Call(GuestProgram program, int iterations);

    /// <summary>
    /// A measurement. Its rate is million guest instructions a second of CPU time: the slope between a run and one that is four times as long, so that starting, translating and warming up
    /// do not count. The first measurement of a program finds out how many iterations are enough.
    /// </summary>
    /// <param name="program">The guest.</param>
    /// <exception cref="EngineException">It did not run to its end.</exception>
    public Measurement Measure(GuestProgram program)
    {
        Finished one = Call(program, 1);
        string checksum = Checksum(program, one);
        if (!iterations.TryGetValue(program, out int count))
        {
            count = 4;
            for (double time; count < MostIterations && (time = Call(program, count).Seconds - one.Seconds) < Enough;)
            {
                count = Math.Min(MostIterations, count * (time < Enough / 8 ? 8 : 2));
            }
            iterations[program] = count;
        }
        Finished few = Call(program, count), many = Call(program, count * Stretch);
        // Both have to end properly too: one that gives up early would be the fastest of all.
        Checksum(program, few);
        Checksum(program, many);
        double rate = program.PerIteration * (double)count * (Stretch - 1) / Math.Max(many.Seconds - few.Seconds, 1e-6) / Million;
        double startUp = one.Seconds - (program.Constant + program.PerIteration) / (rate * Million);
        return new Measurement(rate, checksum, Math.Max(startUp, 0) * Milliseconds);
    }

    string Checksum(GuestProgram program, Finished run) => Reported().Match(run.Output) is { Success: true } match
        ? match.Groups["checksum"].Value
        : throw new EngineException($"{Name} reported no checksum of {program} and ended with exit code {run.ExitCode}. {Shorten(run.Output)}");

    /// <summary>The last line, which says most.</summary>
    static string Shorten(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault(line => line.Any(char.IsLetter)) ?? "";

    [GeneratedRegex("=(?<checksum>[0-9a-f]{8})")]
    private static partial Regex Reported();
}

/// <summary>What an engine showed with one guest.</summary>
/// <param name="Rate">Million guest instructions a second of CPU time.</param>
/// <param name="Checksum">What the guest computed in one iteration.</param>
/// <param name="StartUp">Milliseconds of CPU time of a process with one iteration that are not explained by the rate: starting, translating, ending.</param>
readonly record struct Measurement(double Rate, string Checksum, double StartUp);

/// <summary>An engine that could not run a guest.</summary>
sealed class EngineException(string message) : Exception(message);
