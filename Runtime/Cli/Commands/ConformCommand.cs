using System.CommandLine;
using FastVcpu.Cli.Conform;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu conform`: runs instruction vectors that were recorded on hardware.</summary>
static class ConformCommand
{
    public static Command Create()
    {
        Argument<string[]> paths = new("path")
        {
            Description = "Vector files (.jsonl, .jsonl.gz), or folders that are searched for them.",
            HelpName = "PATH",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> filter = new("--filter") { Description = "Only vectors whose disassembly or encoding contains this.", HelpName = "TEXT" };
        Option<int> maxFailures = new("--max-failures")
        {
            Description = "Failures to describe for each file.",
            HelpName = "N",
            DefaultValueFactory = _ => 5,
        };
        maxFailures.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() < 0)
            {
                result.AddError("--max-failures takes a number that is not negative.");
            }
        });
        Option<VectorMode?> mode = new("--mode")
        {
            Description = "Mode of all files. Default: the folder above a file that has the name of a mode.",
            HelpName = "x64|x86|x16",
            CustomParser = result =>
            {
                if (Enum.TryParse(result.Tokens[^1].Value, ignoreCase: true, out VectorMode mode) && Enum.IsDefined(mode))
                {
                    return mode;
                }

                result.AddError($"'{result.Tokens[^1].Value}' is not a mode; write x64, x86 or x16.");
                return null;
            },
        };
        Option<bool> skipUnsupported = new("--skip-unsupported")
        {
            Description = "Do not count vectors as failed that need a feature the CPU model lacks.",
        };
        Option<int> threads = new("--threads")
        {
            Description = "Files that run at the same time.",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        threads.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() is < 1 or > 512)
            {
                result.AddError("--threads takes a number from 1 to 512.");
            }
        });
        Option<CpuModel?> cpu = Options.Cpu("max; 80286 for x16");
        Option<bool> json = new("--json") { Description = "Print one JSON object: passed, failed, unsupported, files, failures." };

        Command command = new(
            "conform",
            "Run instruction vectors recorded on hardware. Exit code: 0 all passed, 1 some failed, 2 bad input.")
        {
            paths, filter, maxFailures, mode, skipUnsupported, threads, cpu, json,
        };
        command.SetAction(parsed =>
        {
            VectorSelection selection = new(
                parsed.GetValue(cpu), parsed.GetValue(mode), parsed.GetValue(filter), parsed.GetValue(maxFailures));
            ConformOutput output = parsed.GetValue(json) ? new JsonConformOutput(Console.Out) : new TextConformOutput(Console.Out);
            return Run(VectorSet.Find(parsed.GetRequiredValue(paths)), selection, parsed.GetValue(threads), parsed.GetValue(skipUnsupported), output);
        });
        return command;
    }

    static int Run(IReadOnlyList<string> files, VectorSelection selection, int threads, bool skipUnsupported, ConformOutput output)
    {
        int passed = 0, failed = 0, unsupported = 0;
        foreach (FileResult file in VectorSet.Run(files, selection, threads))
        {
            output.Add(file);
            passed += file.Passed;
            failed += file.Failed;
            unsupported += file.Unsupported;
        }

        if (!skipUnsupported)
        {
            failed += unsupported;
        }

        output.End(passed, failed, unsupported, skipUnsupported);
        return failed == 0 ? ExitCode.Success : ExitCode.Failed;
    }
}
