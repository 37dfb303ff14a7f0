using System.CommandLine.Parsing;
using System.Globalization;

namespace FastVcpu.Cli.Input;

/// <summary>Numbers on the command line: decimal or 0x hexadecimal, with K, M or G for powers of 1024.</summary>
static class Number
{
    /// <summary>False when <paramref name="text"/> is no number or does not fit 64 bits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ulong value)
    {
        int shift = text.IsEmpty ? 0 : text[^1] switch
        {
            'K' or 'k' => 10,
            'M' or 'm' => 20,
            'G' or 'g' => 30,
            _ => 0,
        };
        if (shift != 0)
        {
            text = text[..^1];
        }

        bool isNumber = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        bool fits = value << shift >> shift == value;
        value <<= shift;
        return isNumber && fits;
    }

    /// <summary>The number in the option's only token, for <c>CustomParser</c>.</summary>
    public static ulong Parse(ArgumentResult result) => Parse(result, result.Tokens[^1].Value);

    /// <summary>All numbers of a repeatable option. A negative number stands for its two's complement, so that arguments may be signed.</summary>
    public static ulong[] ParseArguments(ArgumentResult result)
    {
        ulong[] numbers = new ulong[result.Tokens.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            string text = result.Tokens[i].Value;
            numbers[i] = text.StartsWith('-') ? 0 - Parse(result, text[1..]) : Parse(result, text);
        }

        return numbers;
    }

    /// <summary>The number of a port.</summary>
    public static ushort Port(string text, ArgumentResult result)
    {
        if (!TryParse(text, out ulong value) || value > ushort.MaxValue)
        {
            result.AddError($"'{text}' is not a port (0 to 0xffff).");
        }

        return (ushort)value;
    }

    static ulong Parse(ArgumentResult result, string text)
    {
        if (!TryParse(text, out ulong value))
        {
            result.AddError($"'{text}' is not a number (decimal or 0x hexadecimal, with K, M or G behind it).");
        }

        return value;
    }
}
