namespace FastVcpu.Cli.Input;

/// <summary>Reads what a file argument names, with an error that says what is wrong.</summary>
static class InputFile
{
    /// <summary>The whole file.</summary>
    /// <param name="path">Path as the user wrote it.</param>
    /// <param name="largest">Largest size that makes sense here.</param>
    /// <param name="mayBeEmpty">Whether an empty file makes sense.</param>
    public static byte[] Read(string path, long largest, bool mayBeEmpty = false)
    {
        if (Directory.Exists(path))
        {
            throw new InputException($"'{path}' is a folder, not a file.");
        }

        if (!File.Exists(path))
        {
            throw new InputException($"The file '{path}' does not exist.");
        }

        // Read by hand: a device has no length that could be asked for.
        using FileStream file = File.OpenRead(path);
        using MemoryStream content = new();
        byte[] buffer = new byte[65536];
        for (int got; (got = file.Read(buffer)) > 0 && content.Length <= largest;)
        {
            content.Write(buffer, 0, got);
        }

        if (content.Length == 0 && !mayBeEmpty)
        {
            throw new InputException($"The file '{path}' is empty.");
        }

        if (content.Length > largest)
        {
            throw new InputException($"The file '{path}' has more than the {largest} bytes that are possible here.");
        }

        return content.ToArray();
    }
}
