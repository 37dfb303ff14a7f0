namespace FastVcpu.Tests;

/// <summary>
/// A list of differences that are understood, from tests/Known. Each line is `key | reason`; lines that begin with # are comment. A line that
/// no longer matches anything is an error of its own: a list never outlives its cause.
/// </summary>
sealed class KnownDifferences
{
    readonly string file;
    readonly Dictionary<string, string> reasons = [];
    readonly HashSet<string> used = [];

    public KnownDifferences(string name)
    {
        file = Path.Combine(Repository.Root, "tests", "Known", name);
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (line.StartsWith('#') || line.Trim().Length == 0)
            {
                continue;
            }

            string[] parts = line.Split('|', 2, StringSplitOptions.TrimEntries);
            if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
            {
                throw new FormatException($"{file}:{number}: a line is 'key | reason'.");
            }

            if (!reasons.TryAdd(parts[0], parts[1]))
            {
                throw new FormatException($"{file}:{number}: '{parts[0]}' is there twice.");
            }
        }
    }

    /// <summary>True when the difference is listed.</summary>
    public bool Contains(string key)
    {
        bool isKnown = reasons.ContainsKey(key);
        if (isKnown)
        {
            used.Add(key);
        }

        return isKnown;
    }

    /// <summary>Listed keys that <see cref="Contains"/> was never asked for.</summary>
    public IReadOnlyList<string> Stale(Func<string, bool>? concerns = null) =>
        [.. reasons.Keys.Where(key => !used.Contains(key) && (concerns is null || concerns(key))).Order(StringComparer.Ordinal)];
}
