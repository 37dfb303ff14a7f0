namespace FastVcpu.Linux.Host;

/// <summary>The umask of the host process. Asking for it with umask would change it for a moment, for all threads.</summary>
static class CreationMask
{
    const uint Usual = 0x12;

    public static uint OfHost()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("Umask:", StringComparison.Ordinal));
            return line == null ? Usual : Convert.ToUInt32(line[6..].Trim(), 8);
        }
        catch (IOException)
        {
            return Usual;
        }
    }
}
