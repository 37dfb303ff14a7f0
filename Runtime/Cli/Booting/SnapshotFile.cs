using FastVcpu.Machine.Boot;
using FastVcpu.Machine.Devices;

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

    /// <summary>The machine of a snapshot, if there is one, to which a serial port and a disk are to be connected.</summary>
    public static MachineDescription? Describe(MachineSnapshot? snapshot, bool hasSerial, IDisk? disk)
    {
        if (snapshot == null)
        {
            return null;
        }
        MachineDescription description = Tell(() => MachineDescription.Parse(snapshot.Description));
        if (hasSerial && !description.HasSerial)
        {
            throw new InputException("The machine of the snapshot has no serial port.");
        }
        if (description.DiskLength != disk?.Length)
        {
            throw new InputException(description.DiskLength is { } length
                ? $"The machine of the snapshot has a disk of {length} bytes: say with --disk which one it is."
                : "The machine of the snapshot has no disk.");
        }
        if (disk != null && description.KeepsDisk != disk is OverlayDisk)
        {
            throw new InputException(description.KeepsDisk ? "The disk of the snapshot is one with ',snapshot'." : "The disk of the snapshot is one without ',snapshot'.");
        }
        return description;
    }

    /// <summary>Brings a machine to a snapshot, if there is one.</summary>
    public static void Restore(BootMachine machine, MachineSnapshot? snapshot)
    {
        if (snapshot != null)
        {
            Tell(() =>
            {
                machine.Restore(snapshot);
                return true;
            });
        }
    }

    /// <summary>Takes a snapshot, if that is possible.</summary>
    public static MachineSnapshot Take(Func<MachineSnapshot> take) => Tell(take);

    static T Tell<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (SnapshotException error)
        {
            throw new InputException(error.Message);
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
