using System;
using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>
/// From a HandlerKey to the handler. One method a form and one more for each choice below it, so that a start of the machine compiles only what it uses,
/// and no static constructor takes the address of every handler.
/// </summary>
sealed class HandlerTableEmitter
{
    /// <summary>Forms of one file and one switch.</summary>
    const int ChunkSize = 64;

    const string Pointer = "delegate*<CpuState*, Op*, long, long>";

    static readonly string[] AddressKinds = { "Base64", "Full64", "Flat32", "Long32", "Segmented16", "Segmented32" };
    static readonly string[] StackKinds = { "Stack64", "Stack32", "StackSegmented16", "StackSegmented32" };

    readonly CodeWriter _writer;
    readonly HandlerNames _names;

    HandlerTableEmitter(CodeWriter writer, HandlerNames names)
    {
        _writer = writer;
        _names = names;
    }

    public static IEnumerable<Product> Emit(Specification specification, HandlerNames names)
    {
        int chunks = (specification.Forms.Count + ChunkSize - 1) / ChunkSize;
        yield return File("HandlerTable", names, emitter => emitter.Resolve(specification.Forms.Count, chunks));
        for (int i = 0; i < chunks; i++)
        {
            List<Form> forms = specification.Forms.Skip(i * ChunkSize).Take(ChunkSize).ToList();
            int chunk = i;
            yield return File($"HandlerTable.{chunk}", names, emitter => emitter.Chunk(chunk, forms));
        }
    }

    static Product File(string name, HandlerNames names, Action<HandlerTableEmitter> body)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu.Execution", "FastVcpu.Memory", "FastVcpu.Semantics", "FastVcpu.Semantics.X87", "FastVcpu.State");
        writer.Block("static unsafe partial class HandlerTable", () => body(new HandlerTableEmitter(writer, names)));
        return new Product(name, writer.ToString());
    }

    void Resolve(int forms, int chunks)
    {
        _writer.Line("/// <summary>The number of forms.</summary>");
        _writer.Line($"public const int FormCount = {forms};");
        _writer.Line();
        _writer.Line("/// <summary>The compiled handler of a key.</summary>");
        Switch($"public static {Pointer} Resolve(HandlerKey key)", $"key.Form / {ChunkSize}", Enumerable.Range(0, chunks).Select(i => ($"{i}", $"Chunk{i}(key)")).ToList());
    }

    void Chunk(int chunk, IReadOnlyList<Form> forms)
    {
        Switch($"static {Pointer} Chunk{chunk}(HandlerKey key)", $"key.Form % {ChunkSize}",
            forms.Select(f => ($"{f.Number % ChunkSize}", $"Form{f.Number}(key)")).ToList());
        foreach (Form form in forms)
        {
            _writer.Line();
            _writer.Line($"// {form}");
            List<FormVariant> variants = FormVariant.Of(form).ToList();
            Widths(form, variants);
        }
    }

    void Widths(Form form, List<FormVariant> variants)
    {
        string name = $"Form{form.Number}";
        if (!variants[0].HasWidth)
        {
            Memory(name, Array.Empty<string>(), variants);
            return;
        }
        Switch($"static {Pointer} {name}(HandlerKey key)", "key.Width",
            form.Widths.Select(w => (WidthIndex(form, w), $"{name}<{FormVariant.TypeOfBits(w)}>(key)")).ToList());
        Memory(name, new[] { "T" }, variants);
    }

    /// <summary>The width's number in the key: 0, 1, 2 for 16, 32, 64 bits.</summary>
    static string WidthIndex(Form form, int width) => width switch { 16 => "0", 32 => "1", _ => "2" };

    void Memory(string name, string[] types, List<FormVariant> variants)
    {
        FormVariant? registers = variants.FirstOrDefault(v => !v.IsMemory), memory = variants.FirstOrDefault(v => v.IsMemory);
        if (registers != null && memory != null)
        {
            Switch($"static {Pointer} {name}{Generics(types)}(HandlerKey key){Constraints(types)}", "key.IsMemory",
                new() { ("false", $"{name}Reg{Generics(types)}(key)"), ("true", $"{name}Mem{Generics(types)}(key)") });
            Addresses(name + "Reg", types, registers);
            Addresses(name + "Mem", types, memory);
        }
        else
        {
            Addresses(name, types, variants[0]);
        }
    }

    void Addresses(string name, string[] types, FormVariant variant) =>
        Choice(variant.IsMemory, name, types, "TAddress", "key.Address", "AddressKind", AddressKinds, inner => Stacks(name, inner, variant));

    void Stacks(string name, string[] types, FormVariant variant) =>
        Choice(variant.Form.NeedsStack, name, types, "TStack", "key.Stack", "StackKind", StackKinds, inner => Flavours(name, inner, variant));

    void Choice(bool exists, string name, string[] types, string parameter, string selector, string @enum, string[] kinds, Action<string[]> next)
    {
        if (!exists)
        {
            next(types);
            return;
        }
        Switch($"static {Pointer} {name}{Generics(types)}(HandlerKey key){Constraints(types)}", selector,
            kinds.Select(k => ($"{@enum}.{k}", $"{name}{Generics(types.Append(k))}(key)")).ToList());
        next(types.Append(parameter).ToArray());
    }

    void Flavours(string name, string[] types, FormVariant variant)
    {
        string head = $"static {Pointer} {name}{Generics(types)}(HandlerKey key){Constraints(types)}";
        if (!variant.HasFlavour)
        {
            _writer.Line($"{head} => &{Handler(variant, types)};");
            return;
        }
        bool writesFlags = variant.Form.Flags.Changed != 0, isLockable = variant.Form.Lock != LockRule.Illegal && variant.Memory != null;
        List<(string, string)> cases = new();
        if (writesFlags)
        {
            cases.Add(("Flavour.FastDeadFlags", "FastDeadFlags"));
        }
        if (variant.IsCarefulDifferent)
        {
            cases.Add(isLockable ? ("Flavour.Careful", "Careful") : ("Flavour.Careful or Flavour.Locked", "Careful"));
        }
        if (isLockable)
        {
            cases.Add(("Flavour.Locked", "Locked"));
        }
        cases.Add(("_", "Fast"));
        Switch(head, "key.Flavour", cases.Select(c => (c.Item1, $"&{Handler(variant, types.Append(c.Item2))}")).ToList());
    }

    string Handler(FormVariant variant, IEnumerable<string> types)
    {
        Form form = variant.Form;
        if (form.Semantics.Tier != SemanticsTier.Raw)
        {
            return $"Handlers.{_names.Of(form, variant.IsMemory)}{Generics(types)}";
        }
        // A row with an operand that may be both names the memory handler; the other one has R behind its name.
        string suffix = !variant.IsMemory && form.Memory is { Kind.MayBeMemory: true } ? "R" : "";
        IEnumerable<string> all = variant.HasWidth || !form.Semantics.IsGenericInWidth ? types : new[] { variant.WidthType }.Concat(types);
        if (form.Semantics.TypeArguments.Length > 0 && !form.Semantics.IsGenericInWidth)
        {
            all = new[] { form.Semantics.TypeArguments }.Concat(all);
        }
        return $"{form.Semantics.Class}.{form.Semantics.Method}{suffix}{Generics(all)}";
    }

    /// <summary>A method that is one switch; the last case is the default.</summary>
    void Switch(string head, string selector, List<(string Case, string Value)> cases)
    {
        if (cases.Count == 1)
        {
            _writer.Line($"{head} => {cases[0].Value};");
            return;
        }
        _writer.Block(head, () => _writer.Block($"switch ({selector})", () =>
        {
            for (int i = 0; i < cases.Count; i++)
            {
                _writer.Line(i + 1 == cases.Count ? "default:" : $"case {cases[i].Case}:");
                _writer.Continue($"return {cases[i].Value};");
            }
        }));
    }

    static string Generics(IEnumerable<string> types) => HandlerGenerics.List(types);

    static string Constraints(IEnumerable<string> types) => string.Concat(types.Select(t => t switch
    {
        "T" => " where T : unmanaged",
        "TAddress" => " where TAddress : struct, IAddress",
        "TStack" => " where TStack : struct, IStack",
        _ => "",
    }));
}
