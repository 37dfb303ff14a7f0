namespace FastVcpu.Linux.Host;

/// <summary>The fields of uname.</summary>
static class SystemName
{
    public const int FieldSize = 65, Fields = 6;

    /// <summary>0 system, 1 node, 2 release, 3 version, 4 machine, 5 domain.</summary>
    public static string Of(int field)
    {
        Span<byte> buffer = stackalloc byte[FieldSize * Fields];
        buffer.Clear();
        Libc.GetSystemName(buffer);
        ReadOnlySpan<byte> text = buffer.Slice(field * FieldSize, FieldSize);
        return Files.PathText.FromBytes(text[..text.IndexOf((byte)0)]);
    }
}
