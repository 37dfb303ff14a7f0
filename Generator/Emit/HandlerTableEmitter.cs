using System;
using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>
/// From a HandlerKey to the handler: a type for each form and width that states its handlers, and switches over the forms. The choices below that are
/// written once, in the runtime's HandlerPick. No static constructor takes the address of every handler. A width is a type of its own and not a type
/// argument, as methods whose type arguments are not all of this assembly are not compiled ahead of time.
/// </summary>
sealed class HandlerTableEmitter
{
    /// <summary>Forms of one file and one switch.</summary>
    const int ChunkSize = 64;

    /// <summary>The widths of an operand in the order of their numbers in a HandlerKey.</summary>
    static readonly (string Suffix, string Type)[] Widths = { ("W16", "ushort"), ("W32", "uint"), ("W64", "ulong") };

    const string Pointer = "delegate*<CpuState*, Op*, long, long>";

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
        yield return File("HandlerTable", names, emitter => emitter.Resolve(chunks));
        for (int i = 0; i < chunks; i++)
        {
            List<Form> forms = specification.Forms.Skip(i * ChunkSize).Take(ChunkSize).ToList();
            int chunk = i;
            yield return File($"HandlerTable.{chunk}", names, emitter => emitter.Chunk(chunk, forms));
        }
    }

    static Product File(string name, HandlerNames names, Action<HandlerTableEmitter> body)
    {
        CodeWriter writer = CodeWriter.FileOfValues(
            "FastVcpu.Execution", "System.Runtime.Intrinsics", "FastVcpu.Memory", "FastVcpu.Semantics", "FastVcpu.Semantics.X87", "FastVcpu.State");
        writer.Block("static unsafe partial class HandlerTable", () => body(new HandlerTableEmitter(writer, names)));
        return new Product(name, writer.ToString());
    }

    void Resolve(int chunks)
    {
        _writer.Line("/// <summary>The compiled handler of a key.</summary>");
        Switch($"public static {Pointer} Resolve(HandlerKey key)", $"key.Form / {ChunkSize}", Enumerable.Range(0, chunks).Select(i => $"Chunk{i}(key)").ToList());
    }

    void Chunk(int chunk, IReadOnlyList<Form> forms)
    {
        Switch($"static {Pointer} Chunk{chunk}(HandlerKey key)", $"key.Form % {ChunkSize}", forms.Select(f => $"Pick{f.Number}(key)").ToList());
        foreach (Form form in forms)
        {
            _writer.Line();
            Declare(form);
        }
    }

    void Declare(Form form)
    {
        List<FormVariant> variants = FormVariant.Of(form).ToList();
        string kind = form.NeedsStack ? "Stack" : variants.Any(v => v.IsMemory) ? "Memory" : "Register";
        string Pick(string suffix) => $"HandlerPick.{kind}<Form{form.Number}{suffix}>(key)";
        _writer.Line($"// {form}");
        // A method of its own, so that the switch loads no other form's types.
        string head = $"static {Pointer} Pick{form.Number}(HandlerKey key)";
        if (!variants[0].HasWidth)
        {
            _writer.Line($"{head} => {Pick("")};");
            Declare(form, kind, variants, "", "");
            return;
        }
        Switch(head, "key.Width", Widths.Select(width => Pick(width.Suffix)).ToList());
        foreach ((string suffix, string type) in Widths)
        {
            Declare(form, kind, variants, suffix, type);
        }
    }

    /// <summary>The type that states the handlers of a form, of one width if it has several.</summary>
    void Declare(Form form, string kind, List<FormVariant> variants, string suffix, string width)
    {
        string registers = Handler(variants.FirstOrDefault(v => !v.IsMemory), width), memory = Handler(variants.FirstOrDefault(v => v.IsMemory), width);
        _writer.Line();
        _writer.Block($"readonly struct Form{form.Number}{suffix} : I{kind}Form", () =>
        {
            if (kind == "Stack")
            {
                _writer.Line($"static {Pointer} IStackForm.Register<TStack, TFlavour>() => {registers};");
                _writer.Line($"static {Pointer} IStackForm.Memory<TAddress, TStack, TFlavour>() => {memory};");
                return;
            }
            _writer.Line($"static {Pointer} IRegisterForm.Register<TFlavour>() => {registers};");
            if (kind == "Memory")
            {
                _writer.Line($"static {Pointer} IMemoryForm.Memory<TAddress, TFlavour>() => {memory};");
            }
        });
    }

    /// <summary>The handler of a variant as an address, in terms of the type parameters of the form's methods and of a width.</summary>
    string Handler(FormVariant? variant, string width)
    {
        if (variant == null)
        {
            return "null";
        }
        Form form = variant.Form;
        List<string> types = HandlerGenerics.Parameters(variant).Select(parameter => parameter == "T" ? width : parameter).ToList();
        if (form.Semantics.Tier != SemanticsTier.Raw)
        {
            return $"&Handlers.{_names.Of(form, variant.IsMemory)}{HandlerGenerics.List(types)}";
        }
        if (!variant.HasWidth && form.Semantics.TypeArguments.Length > 0)
        {
            types.Insert(0, form.Semantics.IsGenericInWidth ? variant.WidthType : form.Semantics.TypeArguments);
        }
        // A row with an operand that may be both names the memory handler; the other one has R behind its name.
        string suffix = !variant.IsMemory && form.Memory is { Kind.MayBeMemory: true } ? "R" : "";
        return $"&{form.Semantics.Class}.{form.Semantics.Method}{suffix}{HandlerGenerics.List(types)}";
    }

    /// <summary>A method that is one switch over 0, 1, 2 …; the last case is the default.</summary>
    void Switch(string head, string selector, List<string> values) => _writer.Block(head, () => _writer.Block($"switch ({selector})", () =>
    {
        for (int i = 0; i < values.Count; i++)
        {
            _writer.Line(i + 1 == values.Count ? "default:" : $"case {i}:");
            _writer.Continue($"return {values[i]};");
        }
    }));
}
