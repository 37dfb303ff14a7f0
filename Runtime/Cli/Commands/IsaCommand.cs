using System.CommandLine;
using FastVcpu.Cli.Isa;
using Spectre.Console;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu isa`: the instruction set as the specification states it.</summary>
static class IsaCommand
{
    public static Command Create()
    {
        Option<bool> markdown = new("--markdown") { Description = "Write the page of the documentation." };
        Option<string?> filter = new("--filter") { Description = "Only instructions whose name or feature contains this.", HelpName = "TEXT" };

        Command command = new("isa", "Print the instruction set as the specification states it: encodings, operands, features, flags.") { markdown, filter };
        command.SetAction(parsed => Run(parsed.GetValue(filter), parsed.GetValue(markdown)));
        return command;
    }

    static int Run(string? filter, bool markdown)
    {
        IsaRow[] rows = [.. IsaRow.All(EmbeddedSpecification.Load()).Where(row => filter is null || Matches(row, filter))];
        if (rows.Length == 0)
        {
            throw new InputException($"No instruction has '{filter}' in its name or its features.");
        }

        if (markdown)
        {
            Console.Out.Write(IsaPage.Markdown(rows));
        }
        else
        {
            Print(rows);
        }

        return ExitCode.Success;
    }

    static bool Matches(IsaRow row, string filter) =>
        row.Mnemonic.Contains(filter, StringComparison.OrdinalIgnoreCase) || row.Features.Contains(filter, StringComparison.OrdinalIgnoreCase);

    static void Print(IsaRow[] rows)
    {
        Table table = new() { Border = TableBorder.Minimal };
        table.AddColumns(IsaRow.Heads);
        foreach (IsaRow row in rows)
        {
            table.AddRow([.. row.Cells.Select(cell => new Text(cell))]);
        }

        if (Console.IsOutputRedirected)
        {
            // A file has no width to fit into.
            AnsiConsole.Profile.Width = 200;
        }

        AnsiConsole.Write(table);
    }
}
