using System.Globalization;
using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Running;

/// <summary>The words behind a command: names and values of options, and the rest in order.</summary>
sealed class CommandWords
{
    readonly Dictionary<string, string> options = [];

    /// <summary>Takes the words apart.</summary>
    /// <param name="words">What stands behind the command.</param>
    /// <param name="known">The options that the command has, with their dashes.</param>
    /// <exception cref="ArgumentException">An option is unknown, has no value, or comes twice.</exception>
    public CommandWords(IEnumerable<string> words, params string[] known)
    {
        using IEnumerator<string> word = words.GetEnumerator();
        while (word.MoveNext())
        {
            string name = word.Current;
            if (!name.StartsWith("--", StringComparison.Ordinal))
            {
                Rest.Add(name);
            }
            else if (!known.Contains(name))
            {
                throw new ArgumentException($"{name} is not an option here; there are {string.Join(", ", known)}.");
            }
            else if (!word.MoveNext() || word.Current.StartsWith("--", StringComparison.Ordinal))
            {
                throw new ArgumentException($"{name} needs a value.");
            }
            else if (!options.TryAdd(name, word.Current))
            {
                throw new ArgumentException($"{name} is given twice.");
            }
        }
    }

    public List<string> Rest { get; } = [];

    /// <summary>Rounds of measurement.</summary>
    public int Runs => Number("--runs", 5, 1, 1000);

    /// <summary>Folder for results.</summary>
    public string? Out => options.GetValueOrDefault("--out");

    /// <summary>The guests asked for. Those of REP instructions are not among them by themselves: an instruction there is no measure.</summary>
    /// <exception cref="ArgumentException">There is no such guest.</exception>
    public IReadOnlyList<GuestProgram> Programs
    {
        get
        {
            int[] bits = [.. Words("--bits", "64", "32").Select(word => word is "64" or "32" ? int.Parse(word) : throw new ArgumentException($"{word}: guests have 32 or 64 bits."))];
            string[] names = Words("--guests");
            string[] all = [.. GuestProgram.All.Select(program => program.Name).Distinct()];
            if (names.Except([.. all, "compiled"]).FirstOrDefault() is { } unknown)
            {
                throw new ArgumentException($"{unknown} is not a guest; there are {string.Join(", ", all)}, and compiled: those of bench/guests but avx.");
            }
            GuestProgram[] programs = [.. GuestProgram.All.Where(p => bits.Contains(p.Bits))
                .Where(p => names.Length > 0 ? names.Contains(p.Name) || (names.Contains("compiled") && p.IsCompiled && p.Name != "avx") : p.IsUsual && p.Exists)];
            return programs.Length > 0 ? programs : throw new ArgumentException("The guests are not beside the repository; set FASTVCPU_GUESTS.");
        }
    }

    /// <summary>The words of a list, or what is meant without the option.</summary>
    public string[] Words(string name, params string[] otherwise) => options.TryGetValue(name, out string? list) ? list.Split(',') : otherwise;

    /// <summary>A whole number.</summary>
    /// <exception cref="ArgumentException">It is none, or not in the range.</exception>
    public int Number(string name, int otherwise, int least, int most) =>
        !options.TryGetValue(name, out string? word) ? otherwise
        : int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
        : throw new ArgumentException($"{name} {word}: a number from {least} to {most} is expected.");

    /// <summary>Refuses words that no option has taken.</summary>
    /// <exception cref="ArgumentException">There is one.</exception>
    public CommandWords NoRest() => Rest.Count == 0 ? this : throw new ArgumentException($"{Rest[0]} is not expected here.");
}
