using System.Globalization;
using System.Text.RegularExpressions;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Regression;

/// <summary>Bytes of machine code of each handler that the guests use, as the runtime reports them: a signal that no neighbour on the machine disturbs.</summary>
sealed partial class HandlerSizes(string scratch, IEnumerable<GuestProgram> programs)
{
    /// <summary>Handlers that both commits have may grow by this part in sum.</summary>
    const double Growth = 0.03;

    /// <summary>Iterations after which blocks are hot.</summary>
    const int Iterations = 20;

    /// <summary>True when the handlers that both have are larger in the new one.</summary>
    public bool Compare(OurTool old, OurTool @new)
    {
        SortedDictionary<string, int> before = Of(old), after = Of(@new);
        string[] common = [.. before.Keys.Where(after.ContainsKey)];
        foreach (string name in common.Where(name => before[name] != after[name]))
        {
            Console.WriteLine($"{before[name],5} → {after[name],5} bytes   {name}");
        }
        int was = common.Sum(name => before[name]), @is = common.Sum(name => after[name]);
        bool isLarger = @is > was * (1 + Growth);
        Console.WriteLine($"{common.Length} handlers in both: {was} → {@is} bytes   {(isLarger ? "LARGER" : "ok")}");
        return isLarger;
    }

    SortedDictionary<string, int> Of(OurTool tool)
    {
        SortedDictionary<string, int> sizes = new(StringComparer.Ordinal);
        string log = Path.Combine(scratch, "methods.txt");
        foreach (GuestProgram program in programs)
        {
            File.Delete(log);
            tool.Call(program, Iterations, 0, new Dictionary<string, string> { ["DOTNET_JitStdOutFile"] = log, ["DOTNET_JitDisasmSummary"] = "1" });
            foreach ((string name, int size) in Parse(File.ReadAllText(log)))
            {
                sizes[name] = size;
            }
        }
        return sizes;
    }

    /// <summary>The handlers of a summary of the JIT compiler's.</summary>
    public static IEnumerable<(string Name, int Size)> Parse(string summary) => Compiled().Matches(summary)
        .Select(match => (match.Groups["name"].Value, int.Parse(match.Groups["size"].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"JIT compiled FastVcpu\.Execution\.(?<name>(Fused)?Handlers:.*?)\(.*code size=(?<size>\d+)")]
    private static partial Regex Compiled();
}
