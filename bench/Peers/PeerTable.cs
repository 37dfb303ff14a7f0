using System.Globalization;
using System.Text;
using System.Text.Json;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>Million guest instructions a second by guest and engine. The first engine is the one that the others are compared with.</summary>
sealed class PeerTable(string[] engines)
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    readonly Dictionary<(GuestProgram Program, string Engine), Sample> cells = [];
    readonly Dictionary<GuestProgram, string> checksums = [];
    readonly Dictionary<string, Sample> startUps = [];

    public IReadOnlyList<string> Engines => engines;

    /// <summary>Guests whose checksum was not the same everywhere.</summary>
    public List<string> Disagreements { get; } = [];

    /// <summary>Guests that an engine could not run.</summary>
    public List<string> Broken { get; } = [];

    public IEnumerable<IGrouping<int, GuestProgram>> ByBits => cells.Keys.Select(k => k.Program).Distinct().GroupBy(p => p.Bits);

    public void Add(GuestProgram program, string engine, Measurement measurement)
    {
        (double rate, string checksum, double startUp) = measurement;
        if (!startUps.TryGetValue(engine, out Sample? all))
        {
            startUps[engine] = all = new Sample();
        }
        all.Add(startUp);
        if (!cells.TryGetValue((program, engine), out Sample? sample))
        {
            cells[(program, engine)] = sample = new Sample();
        }
        sample.Add(rate);
        if (!checksums.TryAdd(program, checksum) && checksums[program] != checksum)
        {
            Disagreements.Add($"{program}: {engine} says {checksum}, the first engine {checksums[program]}");
        }
    }

    public Sample? this[GuestProgram program, string engine] => cells.GetValueOrDefault((program, engine));

    /// <summary>Geometric mean over the guests that the engine runs; not a number when it runs none.</summary>
    public double Mean(IEnumerable<GuestProgram> programs, string engine) =>
        programs.Select(program => this[program, engine]?.Median).OfType<double>().ToArray() is { Length: > 0 } medians ? Sample.Geometric(medians) : double.NaN;

    /// <summary>The first engine as a multiple of this one, over the guests that both run.</summary>
    public double Ratio(IEnumerable<GuestProgram> programs, string engine)
    {
        GuestProgram[] common = [.. programs.Where(program => this[program, engine] != null && this[program, engines[0]] != null)];
        return Mean(common, engines[0]) / Mean(common, engine);
    }

    /// <summary>Milliseconds of CPU time that an engine needs besides running the guest: the median over all guests and runs.</summary>
    public double StartUp(string engine) => startUps.TryGetValue(engine, out Sample? sample) ? sample.Median : double.NaN;

    public string ToText()
    {
        StringBuilder text = new();
        text.AppendLine("Million guest instructions a second of CPU time: median and half of the range from least to most").AppendLine();
        foreach (IGrouping<int, GuestProgram> group in ByBits)
        {
            Row(text, $"{group.Key} bit", engines);
            foreach (GuestProgram program in group)
            {
                Row(text, program.Name, engines.Select(engine => Cell(this[program, engine])));
            }
            Row(text, "geometric mean", engines.Select(engine => Number(Mean(group, engine), "F0")));
            Row(text, $"{engines[0]} / it", engines.Select(engine => Number(Ratio(group, engine), "F2")));
            text.AppendLine();
        }
        Row(text, "start-up, CPU ms", engines.Select(engine => Number(StartUp(engine), "F1")));
        text.AppendLine();
        foreach (string sentence in Broken.Distinct())
        {
            text.AppendLine(sentence);
        }
        foreach (string disagreement in Disagreements.Distinct())
        {
            text.AppendLine($"WRONG: {disagreement}");
        }
        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            unit = "million guest instructions a second of CPU time",
            guests = cells.Select(c => new
            {
                guest = c.Key.Program.Name,
                bits = c.Key.Program.Bits,
                engine = c.Key.Engine,
                checksum = checksums[c.Key.Program],
                mips = c.Value.Median,
                least = c.Value.Least,
                most = c.Value.Most,
                runs = c.Value.Count,
            }),
            means = ByBits.SelectMany(group => engines.Where(engine => group.Any(program => this[program, engine] != null))
                .Select(engine => new { bits = group.Key, engine, mips = Mean(group, engine), ratio = Ratio(group, engine) })),
            startUp = engines.Where(startUps.ContainsKey).Select(engine => new { engine, milliseconds = StartUp(engine) }),
            broken = Broken.Distinct(),
            disagreements = Disagreements.Distinct(),
        },
        Indented);

    public static string Number(double value, string format) => double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>A median and how far the runs lie from each other, or a dash.</summary>
    public static string Cell(Sample? sample) =>
        sample == null ? "-" : $"{Number(sample.Median, "F0")} ±{Number((sample.Most - sample.Least) / sample.Median * 50, "F0")}%";

    static void Row(StringBuilder text, string name, IEnumerable<string> cells)
    {
        const int First = 16, Column = 13;
        text.Append(name.PadRight(First));
        foreach (string cell in cells)
        {
            text.Append(' ').Append(cell.PadLeft(Column));
        }
        text.AppendLine();
    }
}
