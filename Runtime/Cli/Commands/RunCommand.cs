using System.Collections;
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;
using FastVcpu.Linux;
using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu run`: runs a Linux program of i386 or x86-64.</summary>
static class RunCommand
{
    public const string Name = "run";

    /// <summary>Standard error's number.</summary>
    const int StandardError = 2;

    /// <summary>SIGWINCH, which Windows does not have.</summary>
    const PosixSignal WindowChange = (PosixSignal)28;

    /// <summary>Signals that are for the program; by number, as .NET has no names for them.</summary>
    static readonly (PosixSignal Signal, int Number)[] ForwardedSignals =
    [
        (PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15), (WindowChange, 28),
    ];

    static readonly Option<string?> Root = new("--root")
    {
        Description = "The directory that the program sees as /. Default: the host's /.",
        HelpName = "DIR",
    };

    static readonly Option<bool> Writable = new("--rw") { Description = "Let the program change files. Otherwise its file system is read-only." };

    static readonly Option<string?> WorkingDirectory = new("--cwd")
    {
        Description = "Working directory in the guest. Default: the current one, or / with --root.",
        HelpName = "DIR",
    };

    static readonly Option<string[]> Environment = new("--env")
    {
        Description = "An environment variable; may be repeated. Without --root the program also gets the environment of this command.",
        HelpName = "NAME=VALUE",
    };

    static readonly Option<CpuModel?> Cpu = Options.Cpu("x86-64");

    static readonly Option<ulong?> Memory = new("--memory")
    {
        Description = "The most memory that a process may use. Default: 4G.",
        HelpName = "SIZE",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<bool> Trace = new("--strace") { Description = "Print every system call on standard error." };

    static readonly Option<bool> Stats = new("--stats") { Description = "Print retired instructions, time, MIPS and decoded blocks at the end." };

    static readonly Option<string?> Gdb = Options.Gdb();

    static readonly Option[] WithValue = [Root, WorkingDirectory, Environment, Cpu, Memory, Gdb];

    public static Command Create()
    {
        Argument<string> program = new("program") { Description = "Path of the program in the guest.", HelpName = "PROGRAM" };
        Argument<string[]> arguments = new("arguments") { Description = "Arguments of the program.", HelpName = "ARGS", Arity = ArgumentArity.ZeroOrMore };
        Command command = new(
            Name,
            "Run a Linux program of i386 or x86-64: static or dynamic, with the processes it starts. Options stand before PROGRAM; what follows it "
            + "is for the program. Exit code: the program's own, 128 + the signal that killed it, 2 when it cannot be loaded.")
        {
            program, arguments, Root, Writable, WorkingDirectory, Environment, Cpu, Memory, Gdb, Trace, Stats,
        };
        command.SetAction(parsed => Run(parsed, parsed.GetRequiredValue(program), parsed.GetValue(arguments) ?? []));
        return command;
    }

    /// <summary>Puts "--" before the program's name, so that its arguments are never taken for options of this command.</summary>
    public static string[] SeparateArguments(string[] arguments)
    {
        Option[]? withValue = arguments switch
        {
            [Name, ..] => WithValue,
            [GdbCommand.Name, ..] => GdbCommand.WithValue,
            [AflCommand.Name, ..] when !arguments.Contains("--base") && !arguments.Contains("--snapshot") => AflCommand.WithValue,
            _ => null,
        };
        if (withValue == null)
        {
            return arguments;
        }

        int index = 1;
        while (index < arguments.Length && arguments[index].StartsWith('-') && arguments[index] != "--")
        {
            index += withValue.Any(option => option.Name == arguments[index]) ? 2 : 1;
        }

        return index >= arguments.Length ? arguments : [.. arguments[..index], "--", .. arguments[index..]];
    }

    static int Run(ParseResult parsed, string program, string[] arguments)
    {
        string? root = parsed.GetValue(Root);
        LinuxOptions options = new()
        {
            Root = root ?? "/",
            IsWritable = parsed.GetValue(Writable),
            WorkingDirectory = parsed.GetValue(WorkingDirectory) ?? (root == null ? Directory.GetCurrentDirectory() : "/"),
            Arguments = arguments,
            Environment = [.. root == null ? HostEnvironment() : [], .. parsed.GetValue(Environment) ?? []],
            CpuModel = parsed.GetValue(Cpu) ?? CpuModel.X86_64,
            MemoryLimit = parsed.GetValue(Memory) ?? 4UL << 30,
            SystemCallTrace = parsed.GetValue(Trace) ? Console.Error : null,
            UnknownSystemCall = parsed.GetValue(Trace) ? name => Console.Error.WriteLine($"fastvcpu: {name} is not served; it returns ENOSYS.") : null,
            Crashed = crash => Console.Error.WriteLine("fastvcpu: " + CrashReport.Text(crash)),
        };
        return Run(program, options, GdbPlace.Of(parsed.GetValue(Gdb)), parsed.GetValue(Stats));
    }

    /// <summary>Runs a program and returns the exit code.</summary>
    public static int Run(string program, LinuxOptions options, GdbPlace? gdb, bool hasStats = false)
    {
        using ProgramDebugger? debugger = gdb == null ? null : new ProgramDebugger();
        using SafeFileHandle? input = gdb is { IsStandardStreams: true } ? File.OpenHandle("/dev/null") : null;
        using SafeFileHandle? output = gdb is { IsStandardStreams: true } ? new SafeFileHandle(StandardError, ownsHandle: false) : null;
        using LinuxProcess process = Load(program, options with { Debugger = debugger, StandardInput = input, StandardOutput = output });
        debugger?.Open(process, gdb!);
        using SignalForwarding forwarding = new(process);
        long start = Stopwatch.GetTimestamp();
        LinuxExit exit = process.Run();
        if (hasStats)
        {
            PrintStats(process, Stopwatch.GetElapsedTime(start));
        }

        if (exit.Signal != 0)
        {
            Console.Error.WriteLine(exit.Description);
        }

        return exit.ShellCode;
    }

    static LinuxProcess Load(string program, LinuxOptions options)
    {
        try
        {
            return new LinuxProcess(program, options);
        }
        catch (Exception error) when (error is LinuxLoadException or PlatformNotSupportedException)
        {
            throw new InputException(error.Message);
        }
    }

    static void PrintStats(LinuxProcess process, TimeSpan time)
    {
        double seconds = time.TotalSeconds;
        Console.Error.WriteLine($"instructions  {process.InstructionsRetired}");
        Console.Error.WriteLine($"seconds       {seconds:F6}");
        Console.Error.WriteLine($"MIPS          {process.InstructionsRetired / seconds / 1e6:F1}");
        Console.Error.WriteLine($"blocks        {process.BlocksDecoded}");
    }

    /// <summary>The environment of this command.</summary>
    public static IEnumerable<string> HostEnvironment() =>
        System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => $"{entry.Key}={entry.Value}");

    /// <summary>Hands signals of this process on to the program.</summary>
    sealed class SignalForwarding(LinuxProcess process) : IDisposable
    {
        readonly PosixSignalRegistration[] registrations =
        [
            .. ForwardedSignals.Select(entry => PosixSignalRegistration.Create(entry.Signal, context =>
            {
                context.Cancel = true;
                process.Signal(entry.Number);
            })),
        ];

        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in registrations)
            {
                registration.Dispose();
            }
        }
    }
}
