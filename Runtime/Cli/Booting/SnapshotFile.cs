namespace FastVcpu.Cli.Booting;

/// <summary>Snapshots in files.</summary>
static class SnapshotFile
{
    /// <summary>Writes a snapshot. A file of that name is replaced when the new one is whole, not before.</summary>
    public static void Write(MachineSnapshot snapshot, string path)
    {
        string unfinished = path + ".part";
        try
        {
            using (FileStream stream = File.Create(unfinished))
            {
                snapshot.Save(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"The snapshot '{path}' cannot be written: {error.Message}");
        }
    }

    /// <summary>Reads a snapshot.</summary>
    public static MachineSnapshot Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return MachineSnapshot.Load(stream);
        }
        catch (SnapshotException error)
        {
            throw new InputException($"'{path}': {error.Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"The snapshot '{path}' cannot be read: {error.Message}");
        }
    }
}
