using System.Globalization;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Micro;

/// <summary>
/// <c>micro [--cases a,b] [--runs N]</c> (beginnings of names): the cases of <see cref="MicroBenchmark"/> in one interleaved run by CPU time, in half a minute
/// instead of twenty. For a busy machine and a first look.
/// </summary>
static class MicroCommand
{
    /// <summary>CPU seconds of a measured run, and of warming up.</summary>
    const double Enough = 0.05, WarmUp = 0.15;

    public static int Run(string[] words)
    {
        CommandWords line = new CommandWords(words, "--cases", "--runs").NoRest();
        int runs = line.Runs;
        MicroMeasurement[] cases = [.. Wanted(line.Words("--cases")).Select(name => new MicroMeasurement(MicroCases.Make(name)))];
        for (int run = 0; run < runs; run++)
        {
            foreach (MicroMeasurement measurement in cases)
            {
                measurement.Measure(WarmUp, Enough);
            }
        }
        Console.WriteLine($"{"",-24}{"ns",8}{"spread",8}{"million/s",11}{"B/million instr.",18}   one operation is");
        foreach (MicroMeasurement measurement in cases)
        {
            Sample sample = measurement.Nanoseconds;
            string spread = ((sample.Most - sample.Least) / sample.Median * 50).ToString("F0", CultureInfo.InvariantCulture);
            string allocated = measurement.AllocatedForMillion is { } bytes ? bytes.ToString("F1", CultureInfo.InvariantCulture) : "-";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{measurement.Case.Name,-24}{sample.Median,8:F2}{"±" + spread + "%",8}{1000 / sample.Median,11:F1}{allocated,18}   {measurement.Case.What}"));
            measurement.Case.Dispose();
        }
        return 0;
    }

    static IEnumerable<string> Wanted(string[] beginnings)
    {
        if (beginnings.FirstOrDefault(beginning => !MicroCases.Names.Any(name => Matches(name, beginning))) is { } unknown)
        {
            throw new ArgumentException($"No case begins with {unknown}; there are {string.Join("; ", MicroCases.Names)}.");
        }
        return MicroCases.Names.Where(name => beginnings.Length == 0 || beginnings.Any(beginning => Matches(name, beginning)));
    }

    static bool Matches(string name, string beginning) => name.StartsWith(beginning, StringComparison.OrdinalIgnoreCase);
}
