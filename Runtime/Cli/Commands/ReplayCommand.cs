using System.CommandLine;
using FastVcpu.Cli.Fuzzing;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;
using FastVcpu.Fuzzing;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu replay`: runs reproduction files again.</summary>
static class ReplayCommand
{
    public static Command Create()
    {
        Argument<string[]> files = new("files") { Description = "Reproduction files, as `fastvcpu afl --save` writes them.", HelpName = "FILE…", Arity = ArgumentArity.OneOrMore };
        Option<string?> program = new("--program") { Description = "The program, if it is not where it was.", HelpName = "PATH" };
        Option<bool> trace = new("--trace") { Description = "Print the way through the target: each edge between blocks where it is first taken, and the last ones." };
        Command command = new(
            "replay",
            "Run inputs again that a fuzzer has found, in the same target. Exit code: 0 when the same became of all of them as before, otherwise 1; 2 when a file is damaged, of an "
            + "unknown version, or the program is another one.")
        {
            files, program, trace,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(files), parsed.GetValue(program), parsed.GetValue(trace)));
        return command;
    }

    static int Run(string[] files, string? program, bool trace)
    {
        bool differs = false;
        foreach (string file in files)
        {
            Reproduction reproduction = Reproduction.Load(file);
            TargetDescription target = reproduction.Target with { File = program ?? reproduction.Target.File };
            if (!target.IsFlat && TargetDescription.Hash(InputFile.Read(target.File, TargetDescription.LargestFile)) != target.Sha256)
            {
                throw new InputException($"'{target.File}' is not the program of '{file}'.");
            }

            using FuzzSession session = new(target);
            foreach (string sentence in session.OtherFiles(target))
            {
                Console.WriteLine($"{file}: {sentence}");
            }

            using CoverageMap coverage = new();
            session.Harness.Cpu.Coverage = coverage;
            FuzzResult result = session.Report(file, reproduction.Input, coverage);
            if (result.Bucket != reproduction.Bucket || result.Instructions != reproduction.Instructions)
            {
                differs = true;
                Console.WriteLine($"{file}: it was {(reproduction.Bucket.Length > 0 ? reproduction.Bucket : "done")} after {reproduction.Instructions} instructions");
            }

            if (trace)
            {
                Print(session.Harness.Trace(reproduction.Input), address => session.Harness.Locate?.Invoke(address)?.Name ?? "");
            }
        }

        return differs ? ExitCode.Failed : ExitCode.Success;
    }

    static void Print(FuzzTrace trace, Func<ulong, string> name)
    {
        foreach (FuzzEdge edge in trace.Edges)
        {
            Console.WriteLine($"{edge.Instruction,12} {edge.From:x} -> {edge.To:x}");
        }

        Console.WriteLine($"the last {trace.Last.Count} of {trace.Taken}:");
        foreach (FuzzEdge edge in trace.Last)
        {
            Console.WriteLine($"{edge.Instruction,12} {edge.From:x} -> {edge.To:x}");
        }

        Console.WriteLine($"{trace.Callers.Count} calls have not returned:");
        foreach (ulong caller in trace.Callers.Take(FuzzTrace.LastCount))
        {
            Console.WriteLine($"{caller,16:x} {name(caller)}");
        }
    }
}
