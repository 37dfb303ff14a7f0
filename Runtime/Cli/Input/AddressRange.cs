using System.CommandLine.Parsing;

namespace FastVcpu.Cli.Input;

/// <summary>A piece of guest memory as `--map ADDR:SIZE` names it, or one that the tool itself needs.</summary>
/// <param name="Start">First address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="What">What it is, for error messages.</param>
readonly record struct AddressRange(ulong Start, ulong Size, string What)
{
    public const ulong PageSize = 4096;

    /// <summary>Last address.</summary>
    public ulong Last => Start + Size - 1;

    /// <summary>The same, grown to whole pages.</summary>
    public AddressRange Pages
    {
        get
        {
            ulong start = Start & ~(PageSize - 1);
            return this with { Start = start, Size = (Last | (PageSize - 1)) - start + 1 };
        }
    }

    public bool Overlaps(AddressRange other) => Start <= other.Last && other.Start <= Last;

    public override string ToString() => $"{What} (0x{Start:x}..0x{Last:x})";

    /// <summary>All ranges of a repeatable `--map` option, for <c>CustomParser</c>.</summary>
    public static AddressRange[] ParseMaps(ArgumentResult result)
    {
        AddressRange[] maps = new AddressRange[result.Tokens.Count];
        for (int i = 0; i < maps.Length; i++)
        {
            string text = result.Tokens[i].Value;
            if (!TryParse(text, out maps[i]))
            {
                result.AddError($"'{text}' is not a map; write ADDR:SIZE, for example 0x800000:4M.");
            }
            else if (maps[i].Size == 0 || maps[i].Last < maps[i].Start)
            {
                result.AddError($"The map '{text}' is empty or passes the end of the address space.");
            }
        }

        return maps;
    }

    /// <summary>A range as `--map` writes it.</summary>
    public static bool TryParse(string text, out AddressRange map)
    {
        int colon = text.IndexOf(':');
        map = default;
        if (colon < 0 || !Number.TryParse(text.AsSpan(0, colon), out ulong start) || !Number.TryParse(text.AsSpan(colon + 1), out ulong size))
        {
            return false;
        }

        map = new AddressRange(start, size, $"map {text}");
        return true;
    }
}
