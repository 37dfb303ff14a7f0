using System.CommandLine;
using System.CommandLine.Invocation;
using FastVcpu.Cli.Commands;

namespace FastVcpu.Cli;

/// <summary>The command `fastvcpu`: one class for each subcommand, one place that turns errors into a sentence and an exit code.</summary>
static class Program
{
    static int Main(string[] arguments)
    {
        RootCommand root = new("FastVcpu, an x86 virtual CPU: runs programs, flat binaries and instruction vectors.")
        {
            RunCommand.Create(),
            BootCommand.Create(),
            CallCommand.Create(),
            AflCommand.Create(),
            ReplayCommand.Create(),
            GdbCommand.Create(),
            KvmCompareCommand.Create(),
            ConformCommand.Create(),
            DisasmCommand.Create(),
            IsaCommand.Create(),
        };
        ParseResult parsed = root.Parse(RunCommand.SeparateArguments(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            string sentence = parsed.UnmatchedTokens is [string unknown, ..] ? $"'{unknown}' is not known here." : parsed.Errors[0].Message;
            return Fail(sentence + Hint(parsed));
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception error) when (error is InputException or IOException or UnauthorizedAccessException)
        {
            return Fail(error.Message);
        }
    }

    static string Hint(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        return $" See `fastvcpu {(command is RootCommand ? "" : command.Name + " ")}--help`.";
    }

    static int Fail(string sentence)
    {
        Console.Error.WriteLine("fastvcpu: " + sentence);
        return ExitCode.BadInput;
    }
}
