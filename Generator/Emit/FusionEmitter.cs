using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>
/// One handler for two neighbours: the text of the first op without where it goes on, <c>op++</c>, the text of the second. As the op moves on in
/// between, whatever leaves in the second half leaves as the second instruction.
/// </summary>
sealed class FusionEmitter
{
    /// <summary>The type parameter that stands for the condition of a <c>{cc}</c> row, so that sixteen forms share a text.</summary>
    const string Condition = "TCondition";

    /// <summary>What the name of a step begins with that shares a handler with the op that records coverage.</summary>
    const string CoverageFront = "Coverage__";

    static readonly (string Name, string Constraint) Front = ("TFront", "struct, IFront");

    static readonly Regex TypeParameters = new(@"\b(T|TAddress|TStack|TFlavour)\b");

    readonly HandlerNames _names;
    /// <summary>Names of steps by their text; forms with the same text are the same step.</summary>
    readonly Dictionary<string, string> _steps = new();
    readonly SortedDictionary<int, string> _stepOfVariant = new();
    readonly SortedDictionary<int, int> _conditionOfForm = new(), _resultOfVariant = new(), _readsOfVariant = new();

    FusionEmitter(HandlerNames names) => _names = names;

    public static Product Emit(Specification specification, HandlerNames names) => new FusionEmitter(names).Emit(specification);

    Product Emit(Specification specification)
    {
        CodeWriter writer = CodeWriter.FileOfValues(
            "FastVcpu.Execution", "System.Runtime.CompilerServices", "System.Runtime.Intrinsics", "FastVcpu.Memory", "FastVcpu.Semantics", "FastVcpu.Semantics.X87", "FastVcpu.State");
        HashSet<string> written = new();
        writer.Block("static unsafe class FusedHandlers", () =>
        {
            foreach (FusionPair pair in specification.Fusion.Pairs)
            {
                foreach (FormVariant first in pair.First.Select(Variant))
                {
                    foreach (FormVariant second in pair.Second.Select(Variant))
                    {
                        string name = $"{Step(first)}__{Step(second)}";
                        if (written.Add(name))
                        {
                            Write(writer, name, first, second);
                        }
                    }
                }
            }
            foreach (FormVariant variant in specification.Fusion.Pairs.SelectMany(pair => pair.First.Concat(pair.Second)).Select(Variant))
            {
                string name = $"{CoverageFront}{Step(variant)}";
                if (written.Add(name))
                {
                    WriteBehindCoverage(writer, name, variant);
                }
            }
        });
        Tables(writer);
        return new Product("FusedHandlers", writer.ToString());
    }

    static FormVariant Variant(FusionStep step) => new(step.Form, step.IsMemory);

    /// <summary>The name of a variant's step; the variant is entered in the table.</summary>
    string Step(FormVariant variant)
    {
        int number = variant.Form.Number * 2 + (variant.IsMemory ? 1 : 0);
        if (_stepOfVariant.TryGetValue(number, out string name))
        {
            return name;
        }
        CodeWriter text = new();
        Writer(text, variant).WriteInstruction();
        HandlerEnds.Write(text, variant.Form);
        string key = text.ToString();
        if (!_steps.TryGetValue(key, out name))
        {
            _steps[key] = name = _names.Of(variant.Form, variant.IsMemory);
        }
        if (Writer(text, variant).Result() is var result and >= 0)
        {
            _resultOfVariant[number] = result + 1;
        }
        int reads = Reads(variant, OperandClass.Gpr) | Reads(variant, OperandClass.Xmm);
        if (reads != 0)
        {
            _readsOfVariant[number] = reads;
        }
        if (variant.Form.Condition is { } condition)
        {
            _conditionOfForm[variant.Form.Number] = condition;
        }
        return _stepOfVariant[number] = name;
    }

    static HandlerWriter Writer(CodeWriter writer, FormVariant variant)
    {
        HandlerWriter result = new(writer, variant);
        if (variant.Form.Condition != null)
        {
            result.Arguments = $"{Condition}.Number";
        }
        return result;
    }

    static void Write(CodeWriter writer, string name, FormVariant first, FormVariant second)
    {
        List<(string Name, string Constraint)> parameters = HandlerGenerics.Of(first)
            .Concat(HandlerGenerics.Of(second).Select(p => (p.Name + "2", p.Constraint))).ToList();
        if (second.Form.Condition != null)
        {
            parameters.Add((Condition, "struct, ICondition"));
        }
        int result = Writer(writer, first).Result();
        OperandClass? linked = result < 0 ? null : first.Form.Operands[result].Kind.Class;
        if (linked != null && CanLink(second, linked.Value))
        {
            parameters.Add(("TLink", "struct, ILink"));
        }
        else
        {
            linked = null;
        }
        parameters.Add(Front);
        string constraints = Constraints(parameters);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Block($"public static long {name}{HandlerGenerics.List(parameters.Select(p => p.Name))}(CpuState* s, Op* op, long fuel){constraints}", () =>
        {
            writer.Block("if (TFront.Records)", () => RecordCoverage(writer));
            CodeWriter text = new();
            HandlerWriter secondWriter = Writer(text, second);
            secondWriter.Linked = linked;
            if (linked != null)
            {
                writer.Line($"{first.TypeOf(first.Form.Operands[result])} result;");
            }
            bool passesFlags = first.Form.Flags.Changed != 0 && secondWriter.NeedsFlags;
            if (passesFlags)
            {
                secondWriter.FlagsBefore = "flags";
                writer.Line("Flags flags;");
            }
            writer.Scope(() =>
            {
                Writer(writer, first).WriteInstruction();
                if (passesFlags)
                {
                    writer.Line("flags = f;");
                }
                if (linked != null)
                {
                    writer.Line($"result = r{result + 1};");
                }
            });
            writer.Line("op++;");
            secondWriter.WriteInstruction();
            HandlerEnds.Write(text, second.Form);
            writer.Scope(() =>
            {
                foreach (string line in TypeParameters.Replace(text.ToString(), "${1}2").TrimEnd('\n').Split('\n'))
                {
                    writer.Line(line);
                }
            });
        });
        writer.Line();
    }

    /// <summary>The op that records coverage and one instruction behind it.</summary>
    static void WriteBehindCoverage(CodeWriter writer, string name, FormVariant variant)
    {
        List<(string Name, string Constraint)> parameters = HandlerGenerics.Of(variant).ToList();
        if (variant.Form.Condition != null)
        {
            parameters.Add((Condition, "struct, ICondition"));
        }
        parameters.Add(Front);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Block($"public static long {name}{HandlerGenerics.List(parameters.Select(p => p.Name))}(CpuState* s, Op* op, long fuel){Constraints(parameters)}", () =>
        {
            RecordCoverage(writer);
            Writer(writer, variant).WriteInstruction();
            HandlerEnds.Write(writer, variant.Form);
        });
        writer.Line();
    }

    static void RecordCoverage(CodeWriter writer)
    {
        writer.Line("CoverageEdge.Count<TFront>(s, op);");
        writer.Line("op++;");
    }

    static string Constraints(IEnumerable<(string Name, string Constraint)> parameters) => string.Concat(parameters.Select(p => $" where {p.Name} : {p.Constraint}"));

    /// <summary>An operand of the second op, or its address, may be the result of the first.</summary>
    static bool CanLink(FormVariant second, OperandClass linked) =>
        Reads(second, linked) != 0 || (linked == OperandClass.Gpr && second.Memory is { Kind.IsBitString: false });

    /// <summary>The register operands that may be the result of the op before: bit 0 for the first.</summary>
    static int Reads(FormVariant second, OperandClass linked)
    {
        HandlerWriter writer = new(new CodeWriter(), second) { Linked = linked };
        return Enumerable.Range(0, second.Form.Operands.Count).Where(writer.CanLink).Sum(i => 1 << i);
    }

    /// <summary>What fusion knows of keys: the step of a form, the condition of a form.</summary>
    void Tables(CodeWriter writer)
    {
        writer.Line();
        writer.Block("static class FusionTable", () =>
        {
            writer.Line("/// <summary>The step that a form (times two, plus one for its memory variant) is, or null.</summary>");
            writer.Block("public static string Step(int variant) => variant switch", () =>
            {
                foreach (KeyValuePair<int, string> step in _stepOfVariant)
                {
                    writer.Line($"{step.Key} => \"{step.Value}\",");
                }
                writer.Line("_ => null,");
            }, ";");
            writer.Line();
            Numbers(writer, "The condition of a form, or -1.", "Condition(int form)", _conditionOfForm);
            writer.Line();
            Numbers(writer, "The operand (from 1) that is the result of a step's variant, or -1.", "Result(int variant)", _resultOfVariant);
            writer.Line();
            Numbers(writer, "The register operands of a step's variant that may be the result of the op before: bit 0 for the first. Or -1.", "Reads(int variant)", _readsOfVariant);
        });
    }

    static void Numbers(CodeWriter writer, string summary, string head, SortedDictionary<int, int> values)
    {
        writer.Line($"/// <summary>{summary}</summary>");
        writer.Block($"public static int {head} => {head.Split(' ', ')')[1]} switch", () =>
        {
            foreach (KeyValuePair<int, int> value in values)
            {
                writer.Line($"{value.Key} => {value.Value},");
            }
            writer.Line("_ => -1,");
        }, ";");
    }
}
