using System.CommandLine;
using System.Diagnostics;
using System.Runtime;
using FastVcpu.Cli.Booting;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;
using FastVcpu.Machine.Boot;
using FastVcpu.Machine.Devices;
using Monitor = FastVcpu.Cli.Booting.Monitor;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu boot`: runs a ROM, firmware or a kernel on a PC.</summary>
static class BootCommand
{
    public const int LargestRom = 16 << 20, LargestKernel = 1 << 30;
    public const ulong DefaultMemory = 128 << 20;

    static readonly Option<string?> Rom = new("--rom") { Description = "A ROM that ends at 1 MiB and at 4 GiB; starts at the reset vector.", HelpName = "FILE" };

    static readonly Option<string?> Bios = new("--bios")
    {
        Description = "Firmware for PCs, such as SeaBIOS: like --rom, but it lies below 1 MiB in memory that it can write. With --kernel it starts that Linux kernel, in 16 bits.",
        HelpName = "FILE",
    };

    static readonly Option<string?> Kernel = new("--kernel")
    {
        Description = "A Linux kernel (bzImage, or vmlinux of 64 bits), a Multiboot 1 or 2 kernel (ELF, or with addresses in its header), an ELF file with a PVH entry, or a flat file, loaded and "
            + "entered at 1 MiB in 32-bit protected mode.",
        HelpName = "FILE",
    };

    static readonly Option<string> Append = new("--append") { Description = "The kernel's command line.", HelpName = "TEXT", DefaultValueFactory = _ => "" };

    static readonly Option<string?> Module = new("--initrd", "--module") { Description = "Initial RAM disk of a Linux kernel, module of a Multiboot kernel.", HelpName = "FILE" };

    static readonly Option<KernelEntry> Entry = new("--entry") { Description = "Where a Linux kernel is entered. Default: the widest entry that it has.", HelpName = "widest|bits16|bits32|bits64" };

    static readonly Option<string?> Disk = new("--disk")
    {
        Description = "A disk image for a virtio block device. With ',ro' at its end the guest cannot write it; with ',snapshot' what it writes is forgotten.",
        HelpName = "FILE",
    };

    static readonly Option<string?> Serial = new("--serial")
    {
        Description = "What the serial port at 3F8h is connected to. With stdio, Ctrl-A X ends the machine and Ctrl-A C changes to its monitor and back. Default: there is no port.",
        HelpName = "stdio|file:PATH|socket:PATH|PORT",
    };

    static readonly Option<bool> Deterministic = new("--deterministic")
    {
        Description = "Let the time follow the instructions, a nanosecond each, from a fixed date on, and take away the sources of chance (RDRAND, RDSEED): each run goes the same way.",
    };

    static readonly Option<bool> NoReboot = new("--no-reboot") { Description = "Let a reset by the guest, or a triple fault, end the run instead of starting the machine again. With --debug-exit or --gdb that is always so." };

    static readonly Option<bool> Stats = new("--stats") { Description = "Print retired instructions, time, MIPS, decoded blocks and what .NET has compiled at the end." };

    static readonly Option<bool> Hash = new("--hash") { Description = "Print a hash of the whole machine at the end: processors, controllers, clock, devices, memory." };

    static readonly Option<bool> DebugOutput = new("--debugcon") { Description = "Print on standard error what the guest writes to the debug ports E9h and 402h." };

    static readonly Option<ushort[]> PortLogs = new("--port-log")
    {
        Description = "Print each write to this port on standard error, as 'port 0x80: 0x01'; may be repeated.",
        HelpName = "PORT",
        CustomParser = result => [.. result.Tokens.Select(token => Number.Port(token.Value, result))],
    };

    static readonly Option<ushort?> DebugExit = new("--debug-exit")
    {
        Description = "A write of N to this port ends the run with exit code N * 2 + 1.",
        HelpName = "PORT",
        CustomParser = result => Number.Port(result.Tokens[^1].Value, result),
    };

    static readonly Option<ulong?> Memory = new("--memory") { Description = "Memory of the machine. Default: 128M.", HelpName = "SIZE", CustomParser = result => Number.Parse(result) };

    static readonly Option<int> Cpus = new("--cpus")
    {
        Description = "Number of processors: each on a thread of its own or, with --deterministic, in turn on one. Default: 1.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    static readonly Option<string?> SnapshotIn = new("--snapshot-in")
    {
        Description = "Go on with the machine of a snapshot. Its memory, processors and devices are in the file; --serial and --disk say again what they are connected to. --limit counts from the machine's start.",
        HelpName = "FILE",
    };

    static readonly Option<string?> Picture = new("--screenshot") { Description = "Write a picture (PNG) of the text screen to a file at the end, however it ends.", HelpName = "FILE" };

    static readonly Option<string?> SnapshotOut = new("--snapshot-out") { Description = "Write the state of the whole machine to a file at the end, however it ends.", HelpName = "FILE" };

    static readonly Option<ulong?> Limit = new("--limit")
    {
        Description = "Stop after so many instructions, with exit code 3.",
        HelpName = "N",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<CpuModel?> Cpu = Options.Cpu("max");

    public static Command Create()
    {
        Option<string?> gdb = Options.Gdb();
        Command command = new(
            "boot",
            "Run a ROM, firmware or a kernel on a PC. Exit code: that of --debug-exit; 0 when the guest switches the machine off, or the processor halts with "
            + "interrupts off; 1 the processor cannot go on; 2 bad input; 3 limit reached; with --no-reboot 0 after a reset and 1 after a triple fault. Ports and addresses where nothing is read as all ones.")
        {
            Rom, Bios, Kernel, Append, Module, Entry, Disk, Memory, Cpu, Cpus, Serial, PortLogs, DebugExit, DebugOutput, Deterministic, NoReboot, Limit, Stats, Hash,
            SnapshotIn, SnapshotOut, Picture, gdb,
        };
        command.SetAction(parsed => Run(parsed, GdbPlace.Of(parsed.GetValue(gdb))));
        return command;
    }

    static int Run(ParseResult parsed, GdbPlace? gdb)
    {
        string?[] images = [parsed.GetValue(Rom), parsed.GetValue(Bios), parsed.GetValue(Kernel)];
        bool startsKernelFromFirmware = images is [null, not null, not null] && parsed.GetValue(SnapshotIn) == null;
        if (!startsKernelFromFirmware && images.Append(parsed.GetValue(SnapshotIn)).Count(image => image != null) != 1)
        {
            throw new InputException("Say what to run: one of --rom FILE, --bios FILE, --kernel FILE and --snapshot-in FILE, or both --bios and --kernel.");
        }
        if (parsed.GetValue(Serial) == SerialPlace.Standard && gdb is { IsStandardStreams: true })
        {
            throw new InputException("Standard input and output cannot be both the serial port's and gdb's.");
        }
        using SerialPlace? serial = parsed.GetValue(Serial) is { } place ? SerialPlace.Open(place) : null;
        using FileDisk? file = OpenDisk(parsed.GetValue(Disk), out IDisk? disk);
        using MachineSnapshot? snapshot = parsed.GetValue(SnapshotIn) is { } saved ? SnapshotFile.Read(saved) : null;
        MachineDescription? description = SnapshotFile.Describe(snapshot, serial != null, disk);
        using BootMachine machine = Build(OptionsOf(parsed, images, serial?.Line, disk, description, gdb));
        SnapshotFile.Restore(machine, snapshot);
        if (serial != null)
        {
            Connect(machine, serial, machine.Vm.Clock is InstructionClock);
        }
        using Patience? patience = serial is { IsStandard: true } ? new Patience(() => serial.Line.HasSent) : null;
        long start = Stopwatch.GetTimestamp();
        BootResult result = Run(machine, gdb, LimitOf(parsed));
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        patience?.Dispose();
        serial?.Dispose();
        if (parsed.GetValue(Stats))
        {
            PrintStats(machine, time);
        }
        if (parsed.GetValue(Hash))
        {
            Console.Error.WriteLine($"hash          {machine.Hash()}");
        }
        if (parsed.GetValue(Picture) is { } picture)
        {
            Screenshot.Write(machine, picture);
        }
        if (parsed.GetValue(SnapshotOut) is { } output)
        {
            using MachineSnapshot end = machine.TakeSnapshot();
            SnapshotFile.Write(end, output);
        }
        return Report(machine, result);
    }

    /// <summary>Runs a machine without a console and returns the exit code.</summary>
    public static int Run(BootOptions options, GdbPlace? gdb, long limit)
    {
        using BootMachine machine = Build(options);
        return Report(machine, Run(machine, gdb, limit));
    }

    static BootResult Run(BootMachine machine, GdbPlace? gdb, long limit) => gdb == null ? machine.Run(limit) : MachineDebugging.Run(machine, gdb, limit);

    static BootOptions OptionsOf(ParseResult parsed, string?[] images, SerialLine? serial, IDisk? disk, MachineDescription? snapshot, GdbPlace? gdb)
    {
        byte[]?[] files = [.. images.Zip([LargestRom, LargestRom, LargestKernel], (path, largest) => path == null ? null : InputFile.Read(path, largest))];
        bool isDeterministic = snapshot?.IsDeterministic ?? parsed.GetValue(Deterministic);
        CpuModel cpu = (snapshot == null ? parsed.GetValue(Cpu) : CpuModel.Find(snapshot.CpuModel)) ?? CpuModel.Max;
        return new BootOptions
        {
            CpuModel = isDeterministic ? cpu.Without(CpuFeature.Rdrand, CpuFeature.Rdseed) : cpu,
            Memory = snapshot?.Memory ?? parsed.GetValue(Memory) ?? DefaultMemory,
            Processors = snapshot?.Processors ?? parsed.GetValue(Cpus),
            Rom = files[0],
            Firmware = files[1],
            Kernel = files[2],
            CommandLine = parsed.GetValue(Append)!,
            Module = parsed.GetValue(Module) is { } module ? InputFile.Read(module, LargestKernel) : null,
            Entry = parsed.GetValue(Entry),
            Disk = disk,
            Clock = isDeterministic ? new InstructionClock() : new RealClock(),
            StartTime = isDeterministic ? new DateTime(2026, 1, 1) : DateTime.UtcNow,
            EntropySeed = isDeterministic ? 0 : null,
            SerialOutput = serial != null ? serial.Write : snapshot is { HasSerial: true } ? static _ => { } : null,
            DebugOutput = parsed.GetValue(DebugOutput) ? value => Console.Error.Write((char)value) : null,
            LoggedPorts = snapshot?.LoggedPorts ?? parsed.GetValue(PortLogs) ?? [],
            Log = Console.Error,
            Restarts = parsed.GetValue(NoReboot) || parsed.GetValue(DebugExit) != null || gdb != null ? null : Restarts,
            DebugExitPort = snapshot == null ? parsed.GetValue(DebugExit) : snapshot.DebugExitPort,
        };
    }

    /// <summary>At a terminal Ctrl-A is the tool's; what comes from elsewhere is for the guest as it is.</summary>
    static void Connect(BootMachine machine, SerialPlace serial, bool isDeterministic)
    {
        if (isDeterministic && !serial.IsTerminal)
        {
            serial.Line.ConnectInStep(machine.Serial!);
            return;
        }
        EscapeKeys keys = new(new Monitor(machine), text => serial.Line.Write(text));
        serial.Line.Connect(machine.Serial!, serial.IsStandard ? keys.Take : null);
    }

    static FileDisk? OpenDisk(string? text, out IDisk? disk)
    {
        const string ReadOnly = ",ro", Snapshot = ",snapshot";
        disk = null;
        if (text == null)
        {
            return null;
        }
        bool isReadOnly = text.EndsWith(ReadOnly, StringComparison.Ordinal), isSnapshot = text.EndsWith(Snapshot, StringComparison.Ordinal);
        string path = isReadOnly ? text[..^ReadOnly.Length] : isSnapshot ? text[..^Snapshot.Length] : text;
        try
        {
            FileDisk file = new(path, isReadOnly || isSnapshot);
            disk = isSnapshot ? new OverlayDisk(file) : file;
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The disk image '{path}' cannot be opened: {error.Message}");
        }
    }

    static bool Restarts(BootResult result)
    {
        if (result.End == BootEnd.Shutdown)
        {
            Console.Error.WriteLine("fastvcpu: triple fault; the machine starts again.");
        }
        return true;
    }

    static void PrintStats(BootMachine machine, TimeSpan time)
    {
        double seconds = time.TotalSeconds;
        Console.Error.WriteLine($"instructions  {machine.InstructionsRetired}");
        Console.Error.WriteLine($"seconds       {seconds:F3}");
        Console.Error.WriteLine($"MIPS          {machine.InstructionsRetired / seconds / 1e6:F1}");
        Console.Error.WriteLine($"blocks        {machine.Processors.Sum(cpu => cpu.BlocksDecoded)}");
        Console.Error.WriteLine($"compiled      {JitInfo.GetCompiledMethodCount()} methods in {JitInfo.GetCompilationTime().TotalSeconds:F3} s");
    }

    static long LimitOf(ParseResult parsed) => (long)Math.Min(parsed.GetValue(Limit) ?? long.MaxValue, long.MaxValue);

    static BootMachine Build(BootOptions options)
    {
        try
        {
            return new BootMachine(options);
        }
        catch (Exception error) when (error is BootException or OutOfMemoryException)
        {
            throw new InputException(error.Message);
        }
    }

    static int Report(BootMachine machine, BootResult result)
    {
        switch (result.End)
        {
            case BootEnd.DebugExit:
                return result.Status & 0xFF;
            case BootEnd.Halted or BootEnd.Stopped or BootEnd.PoweredOff or BootEnd.Reset:
                return ExitCode.Success;
            case BootEnd.Limit:
                Console.Error.WriteLine($"fastvcpu: the limit of {result.Instructions} instructions is reached.");
                return ExitCode.LimitReached;
            case BootEnd.Shutdown:
                Console.Error.WriteLine("fastvcpu: triple fault.\n" + MachineReport.Of(machine.Cpu));
                return ExitCode.Failed;
            default:
                Console.Error.WriteLine($"fastvcpu: the processor cannot go on ({result.Exit.Reason}, address {result.Exit.Address:x}h).\n" + MachineReport.Of(machine.Cpu));
                return ExitCode.Failed;
        }
    }
}
