using System.Text.Json;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Peers;
using FastVcpu.Bench.Running;

namespace FastVcpu.Tests;

public sealed class PeerTableTests
{
    static readonly GuestProgram First = new("first", 64, 0, 1, 1), Second = new("second", 64, 0, 1, 1);

    [Fact]
    public void MeansAreGeometricAndRatiosAreToTheFirstEngine()
    {
        PeerTable table = Table();
        Assert.Equal(200, table.Mean([First, Second], "ours"), 1e-9);
        Assert.Equal(20, table.Mean([First, Second], "peer"), 1e-9);
        Assert.Equal(10, table.Ratio([First, Second], "peer"), 1e-9);
        Assert.Equal(5, table.StartUp("peer"));
    }

    [Fact]
    public void AGuestThatAnEngineDoesNotRunIsLeftOutOnBothSides()
    {
        PeerTable table = Table();
        Assert.Equal(25, table.Ratio([First, Second], "half"), 1e-9);
        Assert.Matches(@" -\s", table.ToText());
    }

    [Fact]
    public void AnEngineThatRunsNothingIsADash()
    {
        PeerTable table = Table("nothing");
        Assert.Contains("-", table.ToText());
        Assert.DoesNotContain("NaN", table.ToText() + table.ToJson() + PeerPage.Make(table));
    }

    [Fact]
    public void AnotherChecksumIsADisagreement()
    {
        PeerTable table = Table();
        Assert.Empty(table.Disagreements);
        table.Add(First, "peer", new Measurement(10, "00000002", 5));
        Assert.Single(table.Disagreements);
        Assert.Contains("WRONG", table.ToText());
    }

    [Fact]
    public void TheJsonHasMedianAndSpreadOfEachCell()
    {
        using JsonDocument json = JsonDocument.Parse(Table().ToJson());
        JsonElement cell = json.RootElement.GetProperty("guests")[0];
        Assert.Equal(("first", "ours", 100, 90, 110, 3),
            (cell.GetProperty("guest").GetString(), cell.GetProperty("engine").GetString(), cell.GetProperty("mips").GetDouble(),
            cell.GetProperty("least").GetDouble(), cell.GetProperty("most").GetDouble(), cell.GetProperty("runs").GetInt32()));
    }

    [Fact]
    public void ThePageNeedsNothingFromElsewhere()
    {
        string page = PeerPage.Make(Table());
        Assert.Contains("<svg", page);
        Assert.DoesNotContain("src=", page);
        Assert.DoesNotContain("href=", page);
        Assert.DoesNotContain("<script", page);
    }

    static PeerTable Table(params string[] more)
    {
        PeerTable table = new(["ours", "peer", "half", .. more]);
        foreach (double rate in (double[])[100, 90, 110])
        {
            table.Add(First, "ours", new Measurement(rate, "00000001", 5));
        }
        table.Add(Second, "ours", new Measurement(400, "00000001", 5));
        table.Add(First, "peer", new Measurement(10, "00000001", 5));
        table.Add(Second, "peer", new Measurement(40, "00000001", 5));
        table.Add(First, "half", new Measurement(4, "00000001", 5));
        return table;
    }
}
