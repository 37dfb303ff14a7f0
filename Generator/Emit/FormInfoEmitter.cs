using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The forms' mnemonics, for messages of the runtime.</summary>
static class FormInfoEmitter
{
    public static Product Emit(Specification specification)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu.Decode", "System", "System.Text");
        List<string> mnemonics = specification.Forms.Select(f => f.Mnemonic).Distinct().ToList();
        writer.Line("/// <summary>Names of forms.</summary>");
        writer.Block("static class FormInfo", () =>
        {
            writer.Line("static ReadOnlySpan<byte> Names => \"" + string.Concat(mnemonics) + "\"u8;");
            writer.Line();
            writer.Line("/// <summary>Start and length of each form's name.</summary>");
            writer.Line("static ReadOnlySpan<ushort> Places =>");
            writer.Line("[");
            foreach (Form form in specification.Forms)
            {
                int start = mnemonics.TakeWhile(m => m != form.Mnemonic).Sum(m => m.Length);
                writer.Continue($"{start}, {form.Mnemonic.Length},");
            }
            writer.Line("];");
            writer.Line();
            writer.Line("/// <summary>The mnemonic of a form.</summary>");
            writer.Line("public static string Mnemonic(int form) => Encoding.ASCII.GetString(Names.Slice(Places[2 * form], Places[2 * form + 1]));");
        });
        return new Product("FormInfo", writer.ToString());
    }
}
