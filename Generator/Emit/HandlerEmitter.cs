using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The handlers, in one file for each .isa file.</summary>
static class HandlerEmitter
{
    public static IEnumerable<Product> Emit(Specification specification, HandlerNames names)
    {
        foreach (IGrouping<string, Form> file in specification.Forms.GroupBy(f => f.Row.Place.File))
        {
            string name = System.IO.Path.GetFileNameWithoutExtension(file.Key);
            string folder = System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(file.Key) ?? "");
            CodeWriter writer = CodeWriter.FileOfValues(
                "FastVcpu.Execution", "System.Runtime.CompilerServices", "System.Runtime.Intrinsics", "FastVcpu.Memory", "FastVcpu.Semantics", "FastVcpu.Semantics.X87", "FastVcpu.State");
            writer.Block("static unsafe partial class Handlers", () =>
            {
                foreach (FormVariant variant in file.SelectMany(FormVariant.Of).Where(v => v.Form.Semantics.Tier != SemanticsTier.Raw))
                {
                    new HandlerWriter(writer, variant).Write(names.Of(variant.Form, variant.IsMemory));
                    writer.Line();
                }
            });
            yield return new Product($"Handlers.{folder}.{name}", writer.ToString());
        }
    }
}
