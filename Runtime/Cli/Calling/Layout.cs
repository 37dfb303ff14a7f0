using FastVcpu.Cli.Input;

namespace FastVcpu.Cli.Calling;

/// <summary>Who lies where in the guest's addresses: refuses overlaps and finds room.</summary>
sealed class Layout(ulong limit)
{
    readonly List<AddressRange> ranges = [];

    /// <summary>Takes <paramref name="range"/>, which the user has placed.</summary>
    public void Take(AddressRange range)
    {
        if (range.Last >= limit)
        {
            throw new InputException($"{Sentence(range)} passes the end of the guest's addresses, 0x{limit - 1:x}.");
        }

        foreach (AddressRange other in ranges)
        {
            if (range.Overlaps(other))
            {
                throw new InputException($"{Sentence(range)} overlaps {other}.");
            }
        }

        ranges.Add(range);
    }

    /// <summary>The highest free place below <paramref name="end"/>, taken; it is a multiple of <paramref name="alignment"/>.</summary>
    public AddressRange TakeFree(ulong end, ulong size, ulong alignment, string what)
    {
        ulong start = end;
        while (start >= size)
        {
            AddressRange candidate = new((start - size) & ~(alignment - 1), size, what);
            int blocker = ranges.FindIndex(candidate.Overlaps);
            if (blocker < 0)
            {
                ranges.Add(candidate);
                return candidate;
            }

            start = ranges[blocker].Start;
        }

        throw new InputException($"There is no room for {what} of {size} bytes besides the file and the maps.");
    }

    static string Sentence(AddressRange range)
    {
        string text = range.ToString();
        return char.ToUpperInvariant(text[0]) + text[1..];
    }
}
