using FastVcpu.Bench.Guests;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Running;

/// <summary>The words behind a command: names and values of options, and the rest in order.</summary>
sealed class CommandWords
{
    readonly Dictionary<string, string> options = [];

    public CommandWords(IEnumerable<string> words)
    {
        using IEnumerator<string> word = words.GetEnumerator();
        while (word.MoveNext())
        {
            if (!word.Current.StartsWith("--", StringComparison.Ordinal))
            {
                Rest.Add(word.Current);
                continue;
            }
            string name = word.Current;
            options[name] = word.MoveNext() ? word.Current : throw new ArgumentException($"{name} needs a value.");
        }
        if (options.Keys.Except(["--runs", "--guests", "--bits", "--out"]).FirstOrDefault() is { } unknown)
        {
            throw new ArgumentException($"{unknown} is not --runs, --guests, --bits or --out.");
        }
    }

    public List<string> Rest { get; } = [];

    /// <summary>Rounds of measurement.</summary>
    public int Runs => int.Parse(options.GetValueOrDefault("--runs", "5"));

    /// <summary>Folder for results.</summary>
    public string? Out => options.GetValueOrDefault("--out");

    /// <summary>Where the guest programs are.</summary>
    public string Guests => Repository.Guests ?? throw new ArgumentException("The guests are not beside the repository; set FASTVCPU_GUESTS.");

    /// <summary>The guests asked for. Those of REP instructions are not among them by themselves: an instruction there is no measure.</summary>
    public IEnumerable<GuestProgram> Programs => GuestProgram.All
        .Where(p => options.TryGetValue("--guests", out string? names) ? names.Split(',').Contains(p.Name) : p.Name != "repmovs")
        .Where(p => options.GetValueOrDefault("--bits", "64,32").Split(',').Contains(p.Bits.ToString()));
}
