using System.CommandLine;
using FastVcpu.Cli.Calling;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Linux;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu gdb`: starts a guest halted at its first instruction and waits for gdb. What else a guest needs, `run`, `boot` and `call` with `--gdb` have.</summary>
static class GdbCommand
{
    public const string Name = "gdb";
    const string DefaultPlace = "1234";

    static readonly Option<string> At = new("--at")
    {
        Description = $"Where gdb is waited for: a port of the loopback interface, a Unix socket (a path with a slash), or - for standard input and output. Default: {DefaultPlace}.",
        HelpName = "PORT|SOCKET|-",
        DefaultValueFactory = _ => DefaultPlace,
    };

    static readonly Option<bool> Rom = new("--rom") { Description = "FILE is a ROM: it ends at 1 MiB and at 4 GiB, and the reset vector is in it." };

    static readonly Option<ulong?> Base = new("--base")
    {
        Description = "FILE is a flat binary for this address, called like a function (as `fastvcpu call` does).",
        HelpName = "ADDR",
        CustomParser = result => Number.Parse(result),
    };

    static readonly Option<int> Bits = Options.Bits();

    static readonly Option<CpuModel?> Cpu = Options.Cpu("x86-64 for programs, max otherwise");

    /// <summary>The options that take a value.</summary>
    public static Option[] WithValue => [At, Base, Bits, Cpu];

    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "A Linux program, a Multiboot or flat kernel, a ROM, or a flat binary.", HelpName = "FILE" };
        Argument<string[]> arguments = new("arguments") { Description = "Arguments of a program.", HelpName = "ARGS", Arity = ArgumentArity.ZeroOrMore };
        Command command = new(
            Name,
            "Start FILE halted at its first instruction and wait for gdb. An ELF file without a Multiboot header is a Linux program (see run), other files are kernels "
            + "(see boot) unless --rom or --base says otherwise. Exit code: as that of run, boot or call.")
        {
            file, arguments, At, Rom, Base, Bits, Cpu,
        };
        command.SetAction(parsed => Run(parsed, parsed.GetRequiredValue(file), parsed.GetValue(arguments) ?? []));
        return command;
    }

    static int Run(ParseResult parsed, string path, string[] arguments)
    {
        GdbPlace place = new(parsed.GetValue(At)!);
        CpuModel? model = parsed.GetValue(Cpu);
        bool isRom = parsed.GetValue(Rom);
        ulong? address = parsed.GetValue(Base);
        if (isRom && address != null)
        {
            throw new InputException("A ROM has its place; write either --rom or --base.");
        }
        if (!isRom && address == null && IsProgram(path))
        {
            LinuxOptions options = new()
            {
                WorkingDirectory = Directory.GetCurrentDirectory(),
                Arguments = arguments,
                Environment = [.. RunCommand.HostEnvironment()],
                CpuModel = model ?? CpuModel.X86_64,
            };
            return RunCommand.Run(path, options, place);
        }
        if (arguments.Length > 0)
        {
            throw new InputException($"'{arguments[0]}' is an argument, and only Linux programs take arguments here; kernels have `boot --append`, functions `call --arg`.");
        }
        if (address is { } start)
        {
            byte[] code = InputFile.Read(path, CallCommand.LargestFile);
            return CallCommand.Run(new CallRequest(code, start, start, [], [], long.MaxValue, model ?? CpuModel.Max, place), parsed.GetValue(Bits), json: false);
        }
        byte[] image = InputFile.Read(path, isRom ? BootCommand.LargestRom : BootCommand.LargestKernel);
        BootOptions machine = new()
        {
            CpuModel = model ?? CpuModel.Max,
            Memory = BootCommand.DefaultMemory,
            Rom = isRom ? image : null,
            Kernel = isRom ? null : image,
            Log = Console.Error,
        };
        return BootCommand.Run(machine, place, long.MaxValue);
    }

    /// <summary>An ELF file, or a script, that is no kernel.</summary>
    static bool IsProgram(string path)
    {
        byte[] head = new byte[BootMachine.MultibootSearchLength];
        using FileStream stream = File.OpenRead(path);
        int length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return head is [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] or [(byte)'#', (byte)'!', ..] && !BootMachine.HasMultibootHeader(head.AsSpan(0, length));
    }
}
