using System.CommandLine;
using FastVcpu.Cli.Booting;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu boot`: runs a ROM or a kernel on a small PC.</summary>
static class BootCommand
{
    public const int LargestRom = 16 << 20, LargestKernel = 1 << 30;
    public const ulong DefaultMemory = 128 << 20;

    static readonly Option<string?> Rom = new("--rom") { Description = "A ROM that ends at 1 MiB and at 4 GiB; starts at the reset vector.", HelpName = "FILE" };

    static readonly Option<string?> Kernel = new("--kernel")
    {
        Description = "A Multiboot 1 kernel (ELF of 32 bits, or with addresses in its header), or a flat file, loaded and entered at 1 MiB; starts in 32-bit protected mode.",
        HelpName = "FILE",
    };

    static readonly Option<string> Append = new("--append") { Description = "The kernel's command line.", HelpName = "TEXT", DefaultValueFactory = _ => "" };

    static readonly Option<string?> Module = new("--module") { Description = "A module for the kernel (an initial RAM disk).", HelpName = "FILE" };

    static readonly Option<string?> Serial = new("--serial")
    {
        Description = "What the serial port at 3F8h is connected to: stdio. Default: there is none.",
        HelpName = "stdio",
    };

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
            "Run a ROM or a kernel on a small PC. Exit code: that of --debug-exit; 0 when the processor halts with interrupts off; 1 after a triple fault; "
            + "2 bad input; 3 limit reached. Ports and addresses where nothing is read as all ones.")
        {
            Rom, Kernel, Append, Module, Serial, PortLogs, DebugExit, Memory, Limit, Cpu, gdb,
        };
        command.SetAction(parsed => Run(parsed, GdbPlace.Of(parsed.GetValue(gdb))));
        return command;
    }

    static int Run(ParseResult parsed, GdbPlace? gdb)
    {
        string? rom = parsed.GetValue(Rom), kernel = parsed.GetValue(Kernel);
        if ((rom == null) == (kernel == null))
        {
            throw new InputException("Say what to run: either --rom FILE or --kernel FILE.");
        }
        string? serial = parsed.GetValue(Serial);
        if (serial is not (null or "stdio"))
        {
            throw new InputException($"'{serial}' is nothing that a serial port can be connected to; write stdio.");
        }
        if (serial != null && gdb is { IsStandardStreams: true })
        {
            throw new InputException("Standard input and output cannot be both the serial port's and gdb's.");
        }
        using SerialConsole? console = serial == null ? null : new SerialConsole();
        BootOptions options = new()
        {
            CpuModel = parsed.GetValue(Cpu) ?? CpuModel.Max,
            Memory = parsed.GetValue(Memory) ?? DefaultMemory,
            Rom = rom == null ? null : InputFile.Read(rom, LargestRom),
            Kernel = kernel == null ? null : InputFile.Read(kernel, LargestKernel),
            CommandLine = parsed.GetValue(Append)!,
            Module = parsed.GetValue(Module) is { } module ? InputFile.Read(module, LargestKernel) : null,
            SerialOutput = console == null ? null : console.Write,
            LoggedPorts = parsed.GetValue(PortLogs) ?? [],
            Log = Console.Error,
            DebugExitPort = parsed.GetValue(DebugExit),
        };
        return Run(options, gdb, LimitOf(parsed), console);
    }

    /// <summary>Runs a machine and returns the exit code.</summary>
    public static int Run(BootOptions options, GdbPlace? gdb, long limit, SerialConsole? console = null)
    {
        using BootMachine machine = Build(options);
        console?.Connect(machine.Serial!);
        BootResult result = gdb == null ? machine.Run(limit) : MachineDebugging.Run(machine, gdb, limit);
        console?.Flush();
        return Report(machine, result);
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
            case BootEnd.Halted or BootEnd.Stopped:
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
