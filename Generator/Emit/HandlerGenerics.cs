using System;
using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The type parameters of handlers: T, TAddress, TStack, TFlavour, as far as a variant has them.</summary>
static class HandlerGenerics
{
    static readonly (string Name, string Constraint, Func<FormVariant, bool> Exists)[] All =
    {
        ("T", "unmanaged", v => v.HasWidth),
        ("TAddress", "struct, IAddress", v => v.IsMemory),
        ("TStack", "struct, IStack", v => v.Form.NeedsStack),
        ("TFlavour", "struct, IFlavour", v => v.HasFlavour),
    };

    /// <summary>The names and constraints of the type parameters.</summary>
    public static IEnumerable<(string Name, string Constraint)> Of(FormVariant variant) => All.Where(p => p.Exists(variant)).Select(p => (p.Name, p.Constraint));

    /// <summary>The names of the type parameters.</summary>
    public static IEnumerable<string> Parameters(FormVariant variant) => Of(variant).Select(p => p.Name);

    /// <summary>The constraints of the type parameters.</summary>
    public static string Constraints(FormVariant variant) =>
        string.Concat(Of(variant).Select(p => $" where {p.Name} : {p.Constraint}"));

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
