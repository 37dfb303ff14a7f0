using System.Globalization;
using System.Net;
using System.Text;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>A table of peers as one page that needs nothing else: bars as SVG, and the tables below.</summary>
static class PeerPage
{
    const int BarHeight = 14, Row = 18, Left = 120, Width = 560, Right = 110, Top = 18;

    /// <summary>The scale is logarithmic: from here over so many decades.</summary>
    const double Lowest = 10, Decades = 3.5;

    const string Head = """
        <!doctype html><html lang=en><meta charset=utf-8><title>FastVcpu and its peers</title>
        <style>body{font:14px sans-serif;margin:2em;max-width:70em}text{font-size:11px}td,th{text-align:right;padding:1px 8px;font-size:12px;white-space:nowrap}
        td:first-child,th:first-child{text-align:left}tr:last-child td,tr:nth-last-child(2) td{border-top:1px solid #999}svg{display:block}h3{margin:1em 0 .2em}</style>
        <h1>FastVcpu and its peers</h1>
        <p>Million guest instructions a second of CPU time, medians of interleaved runs; the line spans least to most. The scale is logarithmic.</p>

        """;

    public static string Make(PeerTable table)
    {
        StringBuilder page = new(Head);
        foreach (IGrouping<int, GuestProgram> group in table.ByBits)
        {
            page.Append(CultureInfo.InvariantCulture, $"<h2>{group.Key} bit</h2><h3>Geometric mean</h3>");
            Bars(page, table.Engines, engine => table.Mean(group, engine) is var mean && double.IsNaN(mean) ? null : (mean, mean, mean));
            Table(page, table, group);
            foreach (GuestProgram program in group)
            {
                page.Append(CultureInfo.InvariantCulture, $"<h3>{WebUtility.HtmlEncode(program.Name)}</h3>");
                Bars(page, table.Engines, engine => table[program, engine] is { } sample ? (sample.Least, sample.Median, sample.Most) : null);
            }
        }
        page.Append("<h2>Start-up</h2><p>Milliseconds of CPU time that a process with one iteration needs besides running it.</p><table>");
        Cells(page, "th", "", table.Engines);
        Cells(page, "td", "ms", table.Engines.Select(engine => PeerTable.Number(table.StartUp(engine), "F1")));
        page.Append("</table>\n");
        foreach (string sentence in table.Broken.Concat(table.Disagreements).Distinct())
        {
            page.Append("<p>").Append(WebUtility.HtmlEncode(sentence)).Append("</p>\n");
        }
        return page.Append("</html>\n").ToString();
    }

    static void Bars(StringBuilder page, IReadOnlyList<string> engines, Func<string, (double Least, double Median, double Most)?> rates)
    {
        int height = Top + engines.Count * Row;
        page.Append(CultureInfo.InvariantCulture, $"<svg xmlns='http://www.w3.org/2000/svg' width={Left + Width + Right} height={height}>");
        for (double mark = Lowest; Position(mark) < Width; mark *= 10)
        {
            double x = Left + Position(mark);
            page.Append(CultureInfo.InvariantCulture, $"<line x1={x:F1} x2={x:F1} y1={Top - 4} y2={height} stroke='#ddd'/><text x={x:F1} y=11 fill='#777'>{mark:F0}</text>");
        }
        for (int i = 0; i < engines.Count; i++)
        {
            int y = Top + i * Row;
            page.Append(CultureInfo.InvariantCulture, $"<text x=0 y={y + 11}>{WebUtility.HtmlEncode(engines[i])}</text>");
            if (rates(engines[i]) is not { } rate)
            {
                page.Append(CultureInfo.InvariantCulture, $"<text x={Left} y={y + 11}>did not run</text>");
                continue;
            }
            double bar = Position(rate.Median), least = Left + Position(rate.Least), most = Left + Position(rate.Most);
            page.Append(CultureInfo.InvariantCulture, $"<rect x={Left} y={y} width={bar:F1} height={BarHeight} fill='{(i == 0 ? "#2a6" : "#89b")}'/>");
            page.Append(CultureInfo.InvariantCulture, $"<line x1={least:F1} x2={most:F1} y1={y + BarHeight / 2} y2={y + BarHeight / 2} stroke='#000'/>");
            page.Append(CultureInfo.InvariantCulture, $"<text x={most + 6:F1} y={y + 11}>{rate.Median:F0}</text>");
        }
        page.Append("</svg>\n");
    }

    static void Table(StringBuilder page, PeerTable table, IGrouping<int, GuestProgram> group)
    {
        page.Append("<table>");
        Cells(page, "th", "", table.Engines);
        foreach (GuestProgram program in group)
        {
            Cells(page, "td", program.Name, table.Engines.Select(engine => PeerTable.Cell(table[program, engine])));
        }
        Cells(page, "td", "geometric mean", table.Engines.Select(engine => PeerTable.Number(table.Mean(group, engine), "F0")));
        Cells(page, "td", $"{table.Engines[0]} / it", table.Engines.Select(engine => PeerTable.Number(table.Ratio(group, engine), "F2")));
        page.Append("</table>\n");
    }

    static void Cells(StringBuilder page, string kind, string name, IEnumerable<string> cells)
    {
        page.Append("<tr>");
        foreach (string cell in cells.Prepend(name))
        {
            page.Append('<').Append(kind).Append('>').Append(WebUtility.HtmlEncode(cell)).Append("</").Append(kind).Append('>');
        }
        page.Append("</tr>\n");
    }

    static double Position(double rate) => Width * Math.Clamp(Math.Log10(rate / Lowest) / Decades, 0, 1);
}
