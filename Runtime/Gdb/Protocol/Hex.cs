using System.Globalization;

namespace FastVcpu.Gdb.Protocol;

/// <summary>Numbers and bytes as the protocol writes them. Nothing here throws on what a client sends.</summary>
static class Hex
{
    /// <summary>A hexadecimal number of 1 to 16 digits.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        return text.Length is > 0 and <= 16 && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Pairs of digits.</summary>
    public static bool TryBytes(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 2 != 0 || text.ContainsAnyExcept("0123456789abcdefABCDEF"))
        {
            return false;
        }
        bytes = Convert.FromHexString(text);
        return true;
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    /// <summary>Splits "address,length" and the like.</summary>
    public static bool TryPair(ReadOnlySpan<char> text, char separator, out ulong first, out ulong second)
    {
        int at = text.IndexOf(separator);
        second = 0;
        first = 0;
        return at > 0 && TryNumber(text[..at], out first) && TryNumber(text[(at + 1)..], out second);
    }
}
