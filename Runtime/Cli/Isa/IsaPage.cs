using System.Text;

namespace FastVcpu.Cli.Isa;

/// <summary>The instruction set as a page of the documentation.</summary>
static class IsaPage
{
    public static string Markdown(IReadOnlyList<IsaRow> rows)
    {
        StringBuilder page = new();
        page.Append("# Instruction set\n\n");
        page.Append("Written by `fastvcpu isa --markdown` from the rows in `Specs/isa`; a test keeps it current. Encodings and operands are in the notation of the\n");
        page.Append("SDM; [Specs/README.md](../Specs/README.md) explains every word.\n");
        foreach (IGrouping<string, IsaRow> file in rows.GroupBy(row => row.File))
        {
            page.Append($"\n## {file.Key}\n\n");
            Line(page, IsaRow.Heads);
            Line(page, IsaRow.Heads.Select(_ => "---"));
            foreach (IsaRow row in file)
            {
                Line(page, row.Cells.Select(Code));
            }
        }

        return page.ToString();
    }

    static void Line(StringBuilder page, IEnumerable<string> cells) => page.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    static string Code(string text) => text.Length == 0 ? "" : $"`{text.Replace("|", "\\|")}`";
}
