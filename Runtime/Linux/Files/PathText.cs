using System.Text;

namespace FastVcpu.Linux.Files;

/// <summary>
/// Paths of Linux are byte strings. Inside this library they are strings with one character (0–255) for each byte; this class is the border
/// to .NET's Unicode strings, which hold the same bytes as UTF-8.
/// </summary>
static class PathText
{
    /// <summary>A guest's bytes as path text.</summary>
    public static string FromBytes(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>Path text as the guest's bytes.</summary>
    public static byte[] ToBytes(string path) => Encoding.Latin1.GetBytes(path);

    /// <summary>Path text as the guest's bytes.</summary>
    public static int ToBytes(string path, Span<byte> target) => Encoding.Latin1.GetBytes(path, target);

    /// <summary>A .NET string as path text.</summary>
    public static string FromUnicode(string text) => FromBytes(Encoding.UTF8.GetBytes(text));

    /// <summary>Path text for people.</summary>
    public static string ToUnicode(string path) => Encoding.UTF8.GetString(ToBytes(path));
}
