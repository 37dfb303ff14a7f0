using System.Collections;
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using FastVcpu.Cli.Booting;
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

    static readonly Option<bool> Deterministic = new("--deterministic")
    {
        Description = "Let the time follow the instructions, a nanosecond each, and let random numbers be a sequence, so that each run goes the same way. Threads and processes take turns on this command's one thread. With --gdb there is only one.",
    };

    static readonly Option<ulong?> Limit = new("--limit")
    {
        Description = "Stop after so many instructions of the program's first thread, counted from its beginning, with exit code 3. With --deterministic, those of all threads and processes count.",
        HelpName = "N",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<bool> Hash = new("--hash") { Description = "Print a hash of the whole program at the limit: memory, registers, what the system knows of it." };

    static readonly Option<string?> SnapshotOut = new("--snapshot-out") { Description = "Write the whole program to a file at the limit.", HelpName = "FILE" };

    static readonly Option<string?> SnapshotIn = new("--snapshot-in")
    {
        Description = "Go on with the program of such a file, instead of PROGRAM ARGS. --root and --rw are to be given again; standard input, output and error are those of this command, and files that it had open are opened again.",
        HelpName = "FILE",
    };

    static readonly Option<string?> Gdb = Options.Gdb();

    static readonly Option[] WithValue = [Root, WorkingDirectory, Environment, Cpu, Memory, Limit, SnapshotOut, SnapshotIn, Gdb];

    public static Command Create()
    {
        Argument<string?> program = new("program") { Description = "Path of the program in the guest.", HelpName = "PROGRAM", Arity = ArgumentArity.ZeroOrOne };
        Argument<string[]> arguments = new("arguments") { Description = "Arguments of the program.", HelpName = "ARGS", Arity = ArgumentArity.ZeroOrMore };
        Command command = new(
            Name,
            "Run a Linux program of i386 or x86-64: static or dynamic, with the processes it starts. Options stand before PROGRAM; what follows it "
            + "is for the program. Exit code: the program's own, 128 + the signal that killed it, 2 when it cannot be loaded, 3 at the --limit.")
        {
            program, arguments, Root, Writable, WorkingDirectory, Environment, Cpu, Memory, Deterministic, Limit, Hash, SnapshotIn, SnapshotOut, Gdb, Trace, Stats,
        };
        command.SetAction(parsed => Run(parsed, parsed.GetValue(program), parsed.GetValue(arguments) ?? []));
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

        return index >= arguments.Length || arguments[index] == "--" ? arguments : [.. arguments[..index], "--", .. arguments[index..]];
    }

    static int Run(ParseResult parsed, string? program, string[] arguments)
    {
        string? saved = parsed.GetValue(SnapshotIn);
        if (program == null == (saved == null))
        {
            throw new InputException("Say what to run: PROGRAM ARGS, or --snapshot-in FILE.");
        }

        GdbPlace? gdb = GdbPlace.Of(parsed.GetValue(Gdb));
        ProgramEnd end = new((long)Math.Min(parsed.GetValue(Limit) ?? long.MaxValue, long.MaxValue), parsed.GetValue(Hash), parsed.GetValue(SnapshotOut), parsed.GetValue(Stats));
        if (gdb != null && end.Limit != long.MaxValue || end.Limit == long.MaxValue && (end.HasHash || end.SnapshotOut != null))
        {
            throw new InputException(gdb != null ? "With --gdb there is no --limit." : "--hash and --snapshot-out need a --limit.");
        }

        bool isDeterministic = parsed.GetValue(Deterministic);
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
            Clock = isDeterministic && saved == null ? new InstructionClock() : null,
            RandomSeed = isDeterministic ? 1UL : 0,
            SystemCallTrace = parsed.GetValue(Trace) ? Console.Error : null,
            UnknownSystemCall = parsed.GetValue(Trace) ? name => Console.Error.WriteLine($"fastvcpu: {name} is not served; it returns ENOSYS.") : null,
            Crashed = crash => Console.Error.WriteLine("fastvcpu: " + CrashReport.Text(crash)),
        };
        if (saved == null)
        {
            options = isDeterministic && gdb != null ? options with { MaxThreads = 1 } : options;
            return Run(given => new LinuxProcess(program!, given), options, gdb, end);
        }

        using MachineSnapshot snapshot = SnapshotFile.Read(saved);
        return Run(given => new LinuxProcess(snapshot, given), options, gdb, end);
    }

    /// <summary>Runs a program and returns the exit code.</summary>
    public static int Run(string program, LinuxOptions options, GdbPlace? gdb) =>
        Run(given => new LinuxProcess(program, given), options, gdb, new ProgramEnd(long.MaxValue, false, null, false));

    static int Run(Func<LinuxOptions, LinuxProcess> create, LinuxOptions options, GdbPlace? gdb, ProgramEnd end)
    {
        using ProgramDebugger? debugger = gdb == null ? null : new ProgramDebugger();
        using SafeFileHandle? input = gdb is { IsStandardStreams: true } ? File.OpenHandle("/dev/null") : null;
        using SafeFileHandle? output = gdb is { IsStandardStreams: true } ? new SafeFileHandle(StandardError, ownsHandle: false) : null;
        using LinuxProcess process = Load(create, options with { Debugger = debugger, StandardInput = input, StandardOutput = output });
        debugger?.Open(process, gdb!);
        using SignalForwarding forwarding = new(process);
        long start = Stopwatch.GetTimestamp();
        LinuxExit? ended = process.Run(end.Limit);
        if (end.HasStats)
        {
            PrintStats(process, Stopwatch.GetElapsedTime(start));
        }

        if (ended is not { } exit)
        {
            return Stop(process, end);
        }

        if (end.HasHash || end.SnapshotOut != null)
        {
            Console.Error.WriteLine("fastvcpu: the program has ended before the limit.");
        }

        if (exit.Signal != 0)
        {
            Console.Error.WriteLine(exit.Description);
        }

        return exit.ShellCode;
    }

    /// <summary>The limit is reached.</summary>
    static int Stop(LinuxProcess process, ProgramEnd end)
    {
        if (end.HasHash)
        {
            Console.Error.WriteLine($"hash          {Convert.ToHexStringLower(process.StateHash())}");
        }

        if (end.SnapshotOut != null)
        {
            using MachineSnapshot snapshot = SnapshotFile.Take(process.TakeSnapshot);
            SnapshotFile.Write(snapshot, end.SnapshotOut);
        }

        Console.Error.WriteLine($"fastvcpu: the limit of {end.Limit} instructions is reached.");
        return ExitCode.LimitReached;
    }

    static LinuxProcess Load(Func<LinuxOptions, LinuxProcess> create, LinuxOptions options)
    {
        try
        {
            return create(options);
        }
        catch (Exception error) when (error is LinuxLoadException or SnapshotException or PlatformNotSupportedException)
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

    /// <summary>The environment of this command, in an order that is the same in every run.</summary>
    public static IEnumerable<string> HostEnvironment() =>
        System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal);

    /// <summary>What is wanted at the end.</summary>
    /// <param name="Limit">Instructions of the first thread.</param>
    /// <param name="HasHash">A hash at the limit.</param>
    /// <param name="SnapshotOut">A snapshot at the limit.</param>
    /// <param name="HasStats">What has been done in which time.</param>
    readonly record struct ProgramEnd(long Limit, bool HasHash, string? SnapshotOut, bool HasStats);

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
