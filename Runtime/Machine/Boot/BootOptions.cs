namespace FastVcpu.Machine.Boot;

/// <summary>What a <see cref="BootMachine"/> is made of.</summary>
public sealed class BootOptions
{
    /// <summary>CPU model.</summary>
    public CpuModel CpuModel { get; init; } = CpuModel.Max;

    /// <summary>Bytes of memory, at least 1 MiB.</summary>
    public ulong Memory { get; init; } = 128 << 20;

    /// <summary>A ROM that ends at 1 MiB and at 4 GiB; the processor starts at the reset vector in it.</summary>
    public byte[]? Rom { get; init; }

    /// <summary>A Multiboot kernel or flat file, entered in protected mode.</summary>
    public byte[]? Kernel { get; init; }

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>A module for the kernel.</summary>
    public byte[]? Module { get; init; }

    /// <summary>Gets each byte that the guest sends through the first serial port (3F8h); null: there is no port.</summary>
    public Action<byte>? SerialOutput { get; init; }

    /// <summary>Ports whose writes are printed to <see cref="Log"/>.</summary>
    public IReadOnlyList<ushort> LoggedPorts { get; init; } = [];

    /// <summary>Where they are printed.</summary>
    public TextWriter Log { get; init; } = TextWriter.Null;

    /// <summary>A write of N to this port ends the machine with status N × 2 + 1; null: there is no such port.</summary>
    public ushort? DebugExitPort { get; init; }
}
