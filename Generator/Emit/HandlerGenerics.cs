using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The type parameters of handlers: T, TAddress, TStack, TFlavour, as far as a variant has them.</summary>
static class HandlerGenerics
{
    /// <summary>Parameter list and constraints of a handler's declaration.</summary>
    public static (string Parameters, string Constraints) Declare(FormVariant variant)
    {
        List<(string Name, string Constraint)> all = new();
        if (variant.HasWidth)
        {
            all.Add(("T", "unmanaged"));
        }
        if (variant.IsMemory)
        {
            all.Add(("TAddress", "struct, IAddress"));
        }
        if (variant.Form.NeedsStack)
        {
            all.Add(("TStack", "struct, IStack"));
        }
        if (variant.HasFlavour)
        {
            all.Add(("TFlavour", "struct, IFlavour"));
        }
        return (List(all.Select(p => p.Name)), string.Concat(all.Select(p => $" where {p.Name} : {p.Constraint}")));
    }

    /// <summary>The semantics method as text, with its type argument.</summary>
    public static string Method(FormVariant variant)
    {
        Semantics semantics = variant.Form.Semantics;
        string type = semantics.IsGenericInWidth ? variant.WidthType : semantics.TypeArguments;
        List<string> arguments = type.Length == 0 ? new() : new() { type };
        if (semantics.Tier == SemanticsTier.Try)
        {
            arguments.Add("TFlavour");
        }
        return $"{semantics.Class}.{semantics.Method}{List(arguments)}";
    }

    public static string List(IEnumerable<string> arguments)
    {
        string joined = string.Join(", ", arguments);
        return joined.Length == 0 ? "" : $"<{joined}>";
    }
}
