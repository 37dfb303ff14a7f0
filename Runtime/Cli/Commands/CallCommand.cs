using System.CommandLine;
using FastVcpu.Cli.Calling;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu call`: loads a flat binary and calls it like a function.</summary>
static class CallCommand
{
    public const int LargestFile = 256 << 20;

    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "The flat binary.", HelpName = "FILE" };
        Option<int> bits = Options.Bits();
        Option<ulong> @base = new("--base") { Description = "Where the file is loaded.", HelpName = "ADDR", CustomParser = Number.Parse, Required = true };
        Option<ulong?> entry = new("--entry")
        {
            Description = "Where the call goes. Default: the base.",
            HelpName = "ADDR",
            CustomParser = result => Number.Parse(result),
        };
        Option<AddressRange[]> maps = new("--map")
        {
            Description = "Zeroed memory, readable and writable; may be repeated.",
            HelpName = "ADDR:SIZE",
            CustomParser = AddressRange.ParseMaps,
        };
        Option<ulong[]> arguments = new("--arg")
        {
            Description = "An argument; may be repeated. They go into DI, SI, DX, CX, R8, R9 at the width of the code.",
            HelpName = "N",
            CustomParser = Number.ParseArguments,
        };
        Option<ulong?> limit = new("--limit")
        {
            Description = "Stop after so many instructions, with exit code 3.",
            HelpName = "N",
            CustomParser = result => Number.Parse(result),
        };
        Option<CpuModel?> cpu = Options.Cpu("max");
        Option<string?> gdb = Options.Gdb();
        Option<bool> json = new("--json") { Description = "Print one JSON object: result, instructions, seconds, mips, exit." };

        Command command = new(
            "call",
            "Load a flat binary and call it. Numbers are decimal or 0x hexadecimal, with K, M or G behind them. "
            + "Prints AX, the instructions retired and the speed. Exit code: 0 the guest returned, 1 it faulted, 2 bad input, 3 limit reached.")
        {
            file, bits, @base, entry, maps, arguments, limit, cpu, json, gdb,
        };
        command.SetAction(parsed =>
        {
            int width = parsed.GetValue(bits);
            ulong address = parsed.GetValue(@base);
            CallRequest request = new(
                InputFile.Read(parsed.GetRequiredValue(file), LargestFile),
                address,
                parsed.GetValue(entry) ?? address,
                parsed.GetValue(maps) ?? [],
                parsed.GetValue(arguments) ?? [],
                (long)Math.Min(parsed.GetValue(limit) ?? long.MaxValue, long.MaxValue),
                parsed.GetValue(cpu) ?? CpuModel.Max,
                GdbPlace.Of(parsed.GetValue(gdb)));
            return Run(request, width, parsed.GetValue(json));
        });
        return command;
    }

    /// <summary>Calls, prints what came of it, and returns the exit code.</summary>
    public static int Run(CallRequest request, int bits, bool json)
    {
        if (request.Arguments.Length > CallArguments.Most(bits))
        {
            throw new InputException($"{request.Arguments.Length} arguments are too many; {bits}-bit code takes at most {CallArguments.Most(bits)}.");
        }

        CodeWidth.Require(request.Model, bits);
        CallOutcome outcome = bits == 16 ? RealModeCall.Run(request) : UserModeCall.Run(request, bits);
        Print(request.Gdb is { IsStandardStreams: true } ? Console.Error : Console.Out, outcome, bits, json);
        if (outcome.Fault is not null)
        {
            Console.Error.WriteLine("fastvcpu: " + outcome.Fault);
        }

        return outcome.End switch
        {
            CallEnd.Return => ExitCode.Success,
            CallEnd.Limit => ExitCode.LimitReached,
            _ => ExitCode.Failed,
        };
    }

    static void Print(TextWriter output, CallOutcome outcome, int bits, bool json)
    {
        double seconds = outcome.Time.TotalSeconds;
        double mips = seconds > 0 ? outcome.Instructions / seconds / 1e6 : 0;
        string exit = outcome.End switch
        {
            CallEnd.Return => "return",
            CallEnd.Limit => "limit",
            _ => "fault",
        };
        if (json)
        {
            output.WriteLine(
                $"{{\"result\":{outcome.Result},\"instructions\":{outcome.Instructions},\"seconds\":{seconds:F7},\"mips\":{mips:F3},\"exit\":\"{exit}\"}}");
            return;
        }

        output.WriteLine($"result        0x{outcome.Result.ToString("x" + bits / 4)}");
        output.WriteLine($"instructions  {outcome.Instructions}");
        output.WriteLine($"seconds       {seconds:F6}");
        output.WriteLine($"MIPS          {mips:F1}");
        if (outcome.End != CallEnd.Return)
        {
            output.WriteLine($"exit          {exit}");
        }
    }
}
