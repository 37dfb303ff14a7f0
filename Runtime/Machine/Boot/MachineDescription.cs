using System.Globalization;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Boot;

/// <summary>
/// What a <see cref="BootMachine"/> is made of, as far as a snapshot of it needs it: kept in <see cref="MachineSnapshot.Description"/>, so that a machine that can take the snapshot
/// over can be built again. As text, a line for each: a name, a blank, a value.
/// </summary>
public sealed record MachineDescription
{
    /// <summary>Bytes of memory.</summary>
    public ulong Memory { get; init; }

    /// <summary>Number of processors.</summary>
    public int Processors { get; init; }

    /// <summary>Name of their model.</summary>
    public string CpuModel { get; init; } = "";

    /// <summary>The time follows the instructions, and there are no sources of chance.</summary>
    public bool IsDeterministic { get; init; }

    /// <summary>There is a serial port.</summary>
    public bool HasSerial { get; init; }

    /// <summary>Bytes of the disk; null: there is none.</summary>
    public long? DiskLength { get; init; }

    /// <summary>What the disk writes is in the snapshot; otherwise the disk is to hold what it held.</summary>
    public bool KeepsDisk { get; init; }

    /// <summary>Ports whose writes are printed.</summary>
    public IReadOnlyList<ushort> LoggedPorts { get; init; } = [];

    /// <summary>The port that ends the machine, if there is one.</summary>
    public ushort? DebugExitPort { get; init; }

    /// <summary>Describes the machine that is built of options.</summary>
    /// <param name="options">The options.</param>
    public static MachineDescription Of(BootOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new MachineDescription
        {
            Memory = options.Memory,
            Processors = options.Processors,
            CpuModel = options.CpuModel.Name,
            IsDeterministic = options.Clock is InstructionClock,
            HasSerial = options.SerialOutput != null,
            DiskLength = options.Disk?.Length,
            KeepsDisk = options.Disk is OverlayDisk,
            LoggedPorts = options.LoggedPorts,
            DebugExitPort = options.DebugExitPort,
        };
    }

    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="SnapshotException">It describes no such machine.</exception>
    public static MachineDescription Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            Dictionary<string, string> values = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
            return new MachineDescription
            {
                Memory = ulong.Parse(values["memory"], CultureInfo.InvariantCulture),
                Processors = int.Parse(values["processors"], CultureInfo.InvariantCulture),
                CpuModel = values["cpu"],
                IsDeterministic = bool.Parse(values["deterministic"]),
                HasSerial = bool.Parse(values["serial"]),
                DiskLength = values.TryGetValue("disk", out string? disk) ? long.Parse(disk, CultureInfo.InvariantCulture) : null,
                KeepsDisk = bool.Parse(values["keeps-disk"]),
                LoggedPorts = [.. values["port-logs"].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(port => ushort.Parse(port, CultureInfo.InvariantCulture))],
                DebugExitPort = values.TryGetValue("debug-exit", out string? exit) ? ushort.Parse(exit, CultureInfo.InvariantCulture) : null,
            };
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or OverflowException or IndexOutOfRangeException or ArgumentException)
        {
            throw new SnapshotException("The snapshot is of another kind of machine: it does not describe a PC.");
        }
    }

    /// <summary>The lines.</summary>
    public override string ToString()
    {
        List<string> lines =
        [
            $"memory {Memory}", $"processors {Processors}", $"cpu {CpuModel}", $"deterministic {IsDeterministic}", $"serial {HasSerial}", $"keeps-disk {KeepsDisk}",
            $"port-logs {string.Join(' ', LoggedPorts)}",
        ];
        if (DiskLength is { } length)
        {
            lines.Add($"disk {length}");
        }
        if (DebugExitPort is { } port)
        {
            lines.Add($"debug-exit {port}");
        }
        return string.Join('\n', lines);
    }
}
