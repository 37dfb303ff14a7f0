using System.Security.Cryptography;
using FastVcpu.Machine.Devices;
using FastVcpu.Machine.Devices.Virtio;

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

    /// <summary>A kernel: Linux, Multiboot 1 or 2, PVH, or a flat file.</summary>
    public byte[]? Kernel { get; init; }

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>A module for the kernel: its initial RAM disk.</summary>
    public byte[]? Module { get; init; }

    /// <summary>Where a Linux kernel is entered.</summary>
    public KernelEntry Entry { get; init; }

    /// <summary>Firmware for PCs such as SeaBIOS, which starts <see cref="Kernel"/> if there is one: it ends at 4 GiB, and lies below 1 MiB in memory that it can write. The processor starts at the reset vector in it.</summary>
    public byte[]? Firmware { get; init; }

    /// <summary>Number of processors.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>A disk; null: there is none.</summary>
    public IDisk? Disk { get; init; }

    /// <summary>The machine's time.</summary>
    public Clock Clock { get; init; } = new RealClock();

    /// <summary>What the real-time clock shows when the machine is switched on.</summary>
    public DateTime StartTime { get; init; } = DateTime.UtcNow;

    /// <summary>Where the entropy device gets its random bytes.</summary>
    public VirtioEntropy.Source Entropy { get; init; } = RandomNumberGenerator.Fill;

    /// <summary>If it is there, the entropy device gives the sequence that begins with this number, instead of <see cref="Entropy"/>.</summary>
    public ulong? EntropySeed { get; init; }

    /// <summary>Gets what the guest writes to the debug ports (E9h and 402h); null: there are none.</summary>
    public Action<byte>? DebugOutput { get; init; }

    /// <summary>Gets each byte that the guest sends through the first serial port (3F8h); null: there is no port.</summary>
    public Action<byte>? SerialOutput { get; init; }

    /// <summary>Ports whose writes are printed to <see cref="Log"/>.</summary>
    public IReadOnlyList<ushort> LoggedPorts { get; init; } = [];

    /// <summary>Where they are printed.</summary>
    public TextWriter Log { get; init; } = TextWriter.Null;

    /// <summary>Asked when the guest has reset the machine, or after a triple fault: true starts the machine again; otherwise, and when nobody is asked, that ends the run.</summary>
    public Func<BootResult, bool>? Restarts { get; init; }

    /// <summary>A write of N to this port ends the machine with status N × 2 + 1; null: there is no such port.</summary>
    public ushort? DebugExitPort { get; init; }
}
