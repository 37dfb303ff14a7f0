using FastVcpu.Specs;

namespace FastVcpu.Cli.Isa;

/// <summary>A row of the specification as people read it.</summary>
/// <param name="File">File it stands in, without folder <c>isa</c> and extension.</param>
/// <param name="Mnemonic">Mnemonic; <c>{cc}</c> stands for the sixteen conditions.</param>
/// <param name="Encoding">Encoding column.</param>
/// <param name="Operands">Operands, with what is written.</param>
/// <param name="Features">CPU features needed.</param>
/// <param name="Flags">Arithmetic flags read, written and undefined.</param>
/// <param name="Remarks">Where it exists, LOCK, privilege.</param>
sealed record IsaRow(string File, string Mnemonic, string Encoding, string Operands, string Features, string Flags, string Remarks)
{
    /// <summary>The attributes that say where a row exists and what it needs, as the rows write them.</summary>
    static readonly string[] Remarkable =
        ["64", "!64", "o16", "o32", "o64", "a16", "a32", "a64", "d64", "f64", "pm", "reg", "mem", "sreg!", "!REX.B", "lock", "rep", "cpl"];

    /// <summary>The column heads, in the order of the properties that people see.</summary>
    public static readonly string[] Heads = ["Instruction", "Encoding", "Operands", "Needs", "Flags", "Remarks"];

    public string[] Cells => [Mnemonic, Encoding, Operands, Features, Flags, Remarks];

    public static IEnumerable<IsaRow> All(Specification specification) => specification.Rows.Select(Create);

    static IsaRow Create(Row row) => new(
        Path.ChangeExtension(row.Place.File["isa/".Length..], null),
        row.Mnemonic.Text,
        row.Text,
        string.Join(", ", row.Operands.Select(operand => operand.Word.Text)),
        Attribute(row, "cpu"),
        Attribute(row, "flags"),
        string.Join(' ', Remarkable.Where(row.Attributes.ContainsKey).Select(key => Text(row.Attributes[key]))));

    static string Attribute(Row row, string key) => row.Attributes.TryGetValue(key, out RowAttribute attribute) ? attribute.Value : "";

    static string Text(RowAttribute attribute) => attribute.Value.Length == 0 ? attribute.Key : $"{attribute.Key}={attribute.Value}";
}
