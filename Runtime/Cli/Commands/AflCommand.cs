using System.CommandLine;
using FastVcpu.Cli.Fuzzing;
using FastVcpu.Cli.Input;
using FastVcpu.Fuzzing;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu afl`: a program or a function of a flat binary as a target of afl-fuzz, or run once with inputs that it has found.</summary>
static class AflCommand
{
    public const string Name = "afl";

    const long DefaultLimit = 10_000_000;

    static readonly Option<ulong?> Base = new("--base") { Description = "FILE is a flat binary that is loaded here.", HelpName = "ADDR", CustomParser = result => Number.Parse(result) };

    static readonly Option<ulong?> Entry = new("--entry")
    {
        Description = "The function of a flat binary (default: the base) or of a snapshot; where a program is frozen (default: where it takes its input).",
        HelpName = "ADDR",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<AddressRange[]> Maps = new("--map")
    {
        Description = "Flat binary: zeroed memory, readable and writable; may be repeated. The input goes to the start of the first one.",
        HelpName = "ADDR:SIZE",
        CustomParser = AddressRange.ParseMaps,
    };

    static readonly Option<int> Bits = Options.Bits();

    static readonly Option<bool> Snapshot = new("--snapshot") { Description = "FILE is a snapshot: of a machine, written by `fastvcpu boot --deterministic --snapshot-out`, and --entry is the function; or of a program, written by `fastvcpu run --snapshot-out`, which is run on to where it reads standard input, or to --entry." };

    static readonly Option<bool> Desock = new("--desock")
    {
        Description = "The program is a server: the input comes from the first connection that it accepts, on whatever stream socket; what it sends is dropped. A run is over when it has closed it, or read it to the end, and waits.",
    };

    static readonly Option<ulong[]> Crashes = new("--crash")
    {
        Description = "Snapshot: the machine has crashed when it comes to this address; may be repeated. A triple fault is a crash without it.",
        HelpName = "ADDR",
        CustomParser = result => [.. result.Tokens.Select(token => Number.TryParse(token.Value, out ulong address) ? address : Refuse(result, token.Value))],
    };

    static readonly Option<ulong?> Limit = new("--limit")
    {
        Description = "More instructions than an input may take. Default: 10M.",
        HelpName = "N",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<CpuModel?> Cpu = Options.Cpu("max");

    static readonly Option<string[]> Environment = new("--env") { Description = "An environment variable of the program; may be repeated. It gets no others.", HelpName = "NAME=VALUE" };

    static readonly Option<string[]> Inputs = new("--input") { Description = "Run this input once, without afl-fuzz; may be repeated.", HelpName = "FILE" };

    static readonly Option<string?> Save = new("--save") { Description = "Leave a reproduction file of each input that is run in this folder.", HelpName = "DIR" };

    /// <summary>Options that have a value.</summary>
    public static readonly Option[] WithValue = [Base, Entry, Maps, Bits, Crashes, Limit, Cpu, Environment, Inputs, Save];

    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "A program of Linux, a flat binary, or a snapshot of a machine or program.", HelpName = "FILE" };
        Argument<string[]> rest = new("arguments")
        {
            Description = "Arguments of the program: @@ stands for the input's file, without it the input is standard input. Flat binary: inputs to be run once.",
            HelpName = "ARGS",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Command command = new(
            Name,
            "Serve afl-fuzz: AFL_SKIP_BIN_CHECK=1 afl-fuzz -i IN -o OUT -- fastvcpu afl [options] PROGRAM ARGS. The program is run once to where it takes its input, and from there for each input; it "
            + "starts no other programs. Or, with --base, a function of a flat binary, which gets the address of the input and its length as its first two arguments. "
            + "Or, with --snapshot, such a function in a machine, which is run on from the snapshot until it calls it; the length it calls it with is the room for the input. "
            + "Memory, registers, time and random numbers are the same at the beginning of each run. With inputs, each is run once and what became of it is printed: exit code 0, or 1 when one "
            + "of them crashed or hung.")
        {
            file, rest, Base, Entry, Maps, Bits, Snapshot, Desock, Crashes, Limit, Cpu, Environment, Inputs, Save,
        };
        command.SetAction(parsed =>
        {
            bool isFlat = parsed.GetValue(Base) != null || parsed.GetValue(Snapshot);
            string[] arguments = parsed.GetValue(rest) ?? [];
            TargetDescription target = Describe(parsed, parsed.GetRequiredValue(file), isFlat ? [] : arguments);
            return Run(target, [.. parsed.GetValue(Inputs) ?? [], .. isFlat ? arguments : []], parsed.GetValue(Save));
        });
        return command;
    }

    static TargetDescription Describe(ParseResult parsed, string file, string[] arguments)
    {
        ulong? address = parsed.GetValue(Base);
        bool isSnapshot = parsed.GetValue(Snapshot);
        if (file.StartsWith('-') && !File.Exists(file))
        {
            throw new InputException($"'{file}' is not an option of `fastvcpu {Name}`.");
        }

        if (address != null && isSnapshot)
        {
            throw new InputException("A target has either --base or --snapshot.");
        }

        bool isServer = parsed.GetValue(Desock);
        Require(!isServer || (address == null && !isSnapshot && !arguments.Contains("@@")), "--desock is for programs of Linux, without @@.");
        Require(isSnapshot || parsed.GetValue(Crashes) is null or [], "--crash is for snapshots of machines (--snapshot).");
        Require(isSnapshot || address != null || parsed.GetResult(Bits) is null or { Implicit: true }, "--bits is for flat binaries (--base) and snapshots of machines (--snapshot).");
        Require(parsed.GetValue(Limit) != 0, "A --limit of 0 lets no instruction run.");
        foreach (string variable in parsed.GetValue(Environment) ?? [])
        {
            Require(variable.IndexOf('=') > 0, $"'{variable}' is not an environment variable; write NAME=VALUE.");
        }

        byte[] content = InputFile.Read(file, isSnapshot ? TargetDescription.LargestFile : CallCommand.LargestFile);
        AddressRange[] maps = parsed.GetValue(Maps) ?? [];
        if (address == null && maps.Length > 0)
        {
            throw new InputException("--map is for flat binaries, which have a --base.");
        }

        return new TargetDescription
        {
            File = Path.GetFullPath(file),
            Sha256 = TargetDescription.Hash(content),
            Content = address != null ? content : null,
            IsSnapshot = isSnapshot,
            Desock = isServer,
            CrashAddresses = parsed.GetValue(Crashes) ?? [],
            Bits = parsed.GetValue(Bits),
            Base = address ?? 0,
            Entry = parsed.GetValue(Entry),
            Maps = [.. maps.Select(map => $"0x{map.Start:x}:0x{map.Size:x}")],
            Arguments = arguments,
            Environment = parsed.GetValue(Environment) ?? [],
            WorkingDirectory = Directory.GetCurrentDirectory(),
            Cpu = (parsed.GetValue(Cpu) ?? CpuModel.Max).Name,
            Limit = (long)Math.Min(parsed.GetValue(Limit) ?? DefaultLimit, long.MaxValue),
        };
    }

    static void Require(bool condition, string sentence)
    {
        if (!condition)
        {
            throw new InputException(sentence);
        }
    }

    static ulong Refuse(System.CommandLine.Parsing.ArgumentResult result, string text)
    {
        result.AddError($"'{text}' is not a number.");
        return 0;
    }

    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    static AflServer? Connect()
    {
        try
        {
            return AflServer.TryConnect();
        }
        catch (NotSupportedException error)
        {
            throw new InputException(error.Message);
        }
    }

    static void MakeFolder(string? folder)
    {
        try
        {
            _ = folder == null ? null : Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The folder '{folder}' for reproduction files cannot be made.");
        }
    }

    static int Run(TargetDescription target, string[] inputs, string? folder)
    {
        // Before the target is set up: afl-fuzz waits.
        using AflServer? server = inputs is [] && OperatingSystem.IsLinux() ? Connect() : null;
        if (server == null && inputs is [])
        {
            throw new InputException("afl-fuzz has not started this. Write `AFL_SKIP_BIN_CHECK=1 afl-fuzz -i IN -o OUT -- fastvcpu afl …`, or name an input with --input FILE.");
        }

        MakeFolder(folder);

        using FuzzSession session = new(target);
        if (server != null && OperatingSystem.IsLinux())
        {
            session.Harness.Cpu.Coverage = server.Coverage;
            session.Harness.Cpu.CompareLog = server.Comparisons;
            server.Serve(session.Harness);
            return ExitCode.Success;
        }

        using CoverageMap coverage = new();
        session.Harness.Cpu.Coverage = coverage;
        bool failed = false;
        foreach (string path in inputs)
        {
            byte[] input = InputFile.Read(path, FuzzSession.MostInput, mayBeEmpty: true);
            FuzzResult result = session.Report(path, input, coverage);
            failed |= result.Outcome != FuzzOutcome.Done;
            if (folder != null)
            {
                Console.WriteLine(Reproduction.Of(target with { Files = session.OpenedFiles(target) }, input, result).Save(folder));
            }
        }

        return failed ? ExitCode.Failed : ExitCode.Success;
    }
}
