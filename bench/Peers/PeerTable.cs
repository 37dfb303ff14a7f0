using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>Million guest instructions a second by guest and engine, as text, JSON and a page with bars.</summary>
sealed class PeerTable(string[] engines)
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    readonly Dictionary<(GuestProgram Program, string Engine), Sample> cells = [];
    readonly Dictionary<GuestProgram, string> checksums = [];

    /// <summary>Guests whose checksum was not the same everywhere.</summary>
    public List<string> Disagreements { get; } = [];

    IEnumerable<GuestProgram> Programs => cells.Keys.Select(k => k.Program).Distinct();

    IEnumerable<IGrouping<int, GuestProgram>> ByBits => Programs.GroupBy(p => p.Bits);

    public void Add(GuestProgram program, string engine, double rate, string checksum)
    {
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

    public string ToText()
    {
        StringBuilder text = new();
        text.AppendLine("Million guest instructions a second of CPU time: median (least–most), and FastVcpu as a multiple of the peer").AppendLine();
        foreach (IGrouping<int, GuestProgram> group in ByBits)
        {
            text.AppendLine(Row($"{group.Key} bit", engines));
            foreach (GuestProgram program in group)
            {
                text.AppendLine(Row(program.Name, engines.Select(e => Cell(program, e))));
            }
            text.AppendLine(Row("geometric mean", engines.Select(e => Number(Mean(group, e)))));
            text.AppendLine(Row("FastVcpu / peer", engines.Select(e => (Mean(group, engines[0]) / Mean(group, e)).ToString("F2", CultureInfo.InvariantCulture)))).AppendLine();
        }
        foreach (string disagreement in Disagreements)
        {
            text.AppendLine($"WRONG: {disagreement}");
        }
        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(
        cells.Select(c => new { guest = c.Key.Program.Name, bits = c.Key.Program.Bits, engine = c.Key.Engine, mips = c.Value.Median, least = c.Value.Least, most = c.Value.Most, runs = c.Value.Count }),
        Indented);

    public string ToHtml()
    {
        const int BarHeight = 14, Left = 130, Width = 520;
        StringBuilder page = new("<!doctype html><meta charset=utf-8><title>FastVcpu and its peers</title><style>body{font:14px sans-serif;margin:2em}pre{font-size:13px}text{font-size:11px}</style>");
        page.Append("<h1>FastVcpu and its peers</h1><p>Million guest instructions a second of CPU time, medians of interleaved runs; the line spans least to most. The scale is logarithmic.");
        foreach (GuestProgram program in Programs)
        {
            page.Append(CultureInfo.InvariantCulture, $"<h3>{program.Name}, {program.Bits} bit</h3><svg width={Left + Width + 80} height={engines.Length * (BarHeight + 4)}>");
            for (int i = 0; i < engines.Length; i++)
            {
                Sample sample = cells[(program, engines[i])];
                int y = i * (BarHeight + 4);
                double bar = Position(sample.Median), least = Left + Position(sample.Least), most = Left + Position(sample.Most);
                page.Append(CultureInfo.InvariantCulture, $"<text x=0 y={y + 11}>{WebUtility.HtmlEncode(engines[i])}</text><rect x={Left} y={y} width={bar:F1} height={BarHeight} fill='{(i == 0 ? "#2a6" : "#89b")}'/>");
                page.Append(CultureInfo.InvariantCulture, $"<line x1={least:F1} x2={most:F1} y1={y + BarHeight / 2} y2={y + BarHeight / 2} stroke='#000'/><text x={most + 6:F1} y={y + 11}>{sample.Median:F0}</text>");
            }
            page.Append("</svg>");
        }
        return page.Append("<h2>As text</h2><pre>").Append(WebUtility.HtmlEncode(ToText())).Append("</pre>\n").ToString();

        static double Position(double rate) => Width * Math.Clamp((Math.Log10(rate) - 1) / 3.5, 0, 1);
    }

    static string Row(string name, IEnumerable<string> cells) => name.PadRight(18) + string.Concat(cells.Select(c => c.PadLeft(22)));

    string Cell(GuestProgram program, string engine) => cells[(program, engine)] is var s ? $"{Number(s.Median)} ({Number(s.Least)}–{Number(s.Most)})" : "";

    double Mean(IEnumerable<GuestProgram> programs, string engine) => Sample.Geometric(programs.Select(p => cells[(p, engine)].Median));

    static string Number(double value) => value.ToString("F0", CultureInfo.InvariantCulture);
}
