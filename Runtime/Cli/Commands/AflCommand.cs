using System.CommandLine;
using FastVcpu.Cli.Calling;
using FastVcpu.Cli.Input;
using FastVcpu.Fuzzing;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu afl`: a function of a flat binary as a target of afl-fuzz, or run once with an input that it has found.</summary>
static class AflCommand
{
    const ulong MostInput = 1 << 20;

    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "The flat binary.", HelpName = "FILE" };
        Argument<string[]> inputs = new("inputs") { Description = "Inputs to be run without afl-fuzz.", HelpName = "INPUT…", Arity = ArgumentArity.ZeroOrMore };
        Option<int> bits = Options.Bits();
        Option<ulong> @base = new("--base") { Description = "Where the file is loaded.", HelpName = "ADDR", CustomParser = Number.Parse, Required = true };
        Option<ulong?> entry = new("--entry") { Description = "The function. Default: the base.", HelpName = "ADDR", CustomParser = result => Number.Parse(result) };
        Option<AddressRange[]> maps = new("--map")
        {
            Description = "Zeroed memory, readable and writable; may be repeated. The input goes to the start of the first one.",
            HelpName = "ADDR:SIZE",
            CustomParser = AddressRange.ParseMaps,
            Required = true,
        };
        Option<ulong?> limit = new("--limit") { Description = "More instructions than an input may take. Default: 10M.", HelpName = "N", CustomParser = result => Number.Parse(result) };
        Option<CpuModel?> cpu = Options.Cpu("max");

        Command command = new(
            "afl",
            "Serve afl-fuzz: AFL_SKIP_BIN_CHECK=1 afl-fuzz -i IN -o OUT -- fastvcpu afl FILE …. The function gets the address of the input and its length as its first two arguments; memory and "
            + "registers are those of the beginning for each input, time and random numbers too. With inputs on the command line, each is run once and what became of it is printed: "
            + "exit code 0, or 1 when one of them crashed or hung.")
        {
            file, inputs, bits, @base, entry, maps, limit, cpu,
        };
        command.SetAction(parsed =>
        {
            ulong address = parsed.GetValue(@base);
            CallRequest request = new(
                InputFile.Read(parsed.GetRequiredValue(file), CallCommand.LargestFile),
                address,
                parsed.GetValue(entry) ?? address,
                parsed.GetValue(maps) ?? [],
                [],
                (long)Math.Min(parsed.GetValue(limit) ?? 10_000_000, long.MaxValue),
                parsed.GetValue(cpu) ?? CpuModel.Max,
                null);
            return Run(request, parsed.GetValue(bits), parsed.GetValue(inputs) ?? []);
        });
        return command;
    }

    static int Run(CallRequest request, int bits, string[] inputs)
    {
        if (bits == 16 || request.Maps is [])
        {
            throw new InputException("A target of afl-fuzz is code of 32 or 64 bits with a map for the input.");
        }
        CodeWidth.Require(request.Model, bits);
        AddressRange room = request.Maps[0];
        using FlatProgram program = new(request, bits, new InstructionClock());
        program.Cpu.RandomSeed = 1;
        using Harness harness = new(program.Cpu)
        {
            EndAddress = program.ReturnAddress,
            InstructionLimit = request.Limit,
            Inject = (cpu, input) =>
            {
                input = input[..(int)Math.Min((ulong)input.Length, Math.Min(room.Size, MostInput))];
                program.Space.Write(room.Start, input);
                CallArguments.Set(cpu, [room.Start, (ulong)input.Length], bits);
            },
        };
        using AflServer? server = inputs is [] && OperatingSystem.IsLinux() ? AflServer.TryConnect() : null;
        if (server != null && OperatingSystem.IsLinux())
        {
            program.Cpu.Coverage = server.Coverage;
            server.Serve(harness);
            return ExitCode.Success;
        }
        if (inputs is [])
        {
            throw new InputException("afl-fuzz has not started this, and there are no inputs.");
        }
        return Replay(program, harness, inputs);
    }

    static int Replay(FlatProgram program, Harness harness, string[] inputs)
    {
        using CoverageMap coverage = new();
        program.Cpu.Coverage = coverage;
        bool failed = false;
        foreach (string path in inputs)
        {
            coverage.Clear();
            FuzzResult result = harness.Run(InputFile.Read(path, (int)MostInput));
            failed |= result.Outcome != FuzzOutcome.Done;
            Console.WriteLine($"{path}: {result.Outcome.ToString().ToLowerInvariant()} {result.Bucket}{(result.Bucket.Length > 0 ? " " : "")}after {result.Instructions} instructions, {coverage.Blocks.Count} blocks");
        }
        return failed ? ExitCode.Failed : ExitCode.Success;
    }
}
