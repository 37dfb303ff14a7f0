using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>A form with its memory operand in memory, or in a register, as one half of a fused pair.</summary>
public readonly struct FusionStep
{
    public FusionStep(Form form, bool isMemory)
    {
        Form = form;
        IsMemory = isMemory;
    }

    public Form Form { get; }
    public bool IsMemory { get; }
}

/// <summary>Steps that may be followed by steps.</summary>
public sealed class FusionPair
{
    public FusionPair(IReadOnlyList<FusionStep> first, IReadOnlyList<FusionStep> second)
    {
        First = first;
        Second = second;
    }

    public IReadOnlyList<FusionStep> First { get; }
    public IReadOnlyList<FusionStep> Second { get; }
}

/// <summary>The pairs of tables/fusion.isa.</summary>
public sealed class FusionTable
{
    readonly Dictionary<string, List<FusionStep>> _groups = new();
    readonly List<FusionPair> _pairs = new();
    readonly SpecErrors _errors;

    FusionTable(SpecErrors errors) => _errors = errors;

    public IReadOnlyList<FusionPair> Pairs => _pairs;

    public static FusionTable Parse(IEnumerable<Line> lines, IReadOnlyList<Form> forms, SpecErrors errors)
    {
        FusionTable table = new(errors);
        ILookup<string, Form> byMnemonic = forms.ToLookup(f => f.Row.Mnemonic.Text);
        foreach (Line line in lines)
        {
            switch (line.Columns.Count)
            {
                case 1:
                    table.ParseGroup(line.Columns[0], byMnemonic);
                    break;
                case 2:
                    table._pairs.Add(new FusionPair(table.ParseSide(line.Columns[0], isFirst: true), table.ParseSide(line.Columns[1], isFirst: false)));
                    break;
                default:
                    errors.Add(line.Place, "expected `NAME MNEMONIC:operands/kind …` or `NAME … | NAME …`");
                    break;
            }
        }
        return table;
    }

    void ParseGroup(IReadOnlyList<Word> words, ILookup<string, Form> byMnemonic)
    {
        if (_groups.ContainsKey(words[0].Text))
        {
            _errors.Add(words[0], $"`{words[0]}` is there twice");
        }
        List<FusionStep> group = _groups[words[0].Text] = new();
        foreach (Word word in words.Skip(1))
        {
            List<FusionStep> steps = Steps(word, byMnemonic).ToList();
            if (steps.Count == 0)
            {
                _errors.Add(word, $"`{word}` is no form: expected MNEMONIC:OPERANDS, and /reg or /mem for one that has both");
            }
            group.AddRange(steps);
        }
    }

    static IEnumerable<FusionStep> Steps(Word word, ILookup<string, Form> byMnemonic)
    {
        string[] parts = word.Text.Split(':', '/');
        bool? isMemory = parts.Length < 3 ? null : parts[2] == "mem";
        if (parts.Length < 2 || (parts.Length == 3 && parts[2] is not ("reg" or "mem")))
        {
            yield break;
        }
        foreach (Form form in byMnemonic[parts[0]].Where(f => string.Join(",", f.Operands.Select(o => o.Kind.Name)) == parts[1]))
        {
            bool isChoice = form.Memory is { Kind.Place: OperandPlace.ModrmRm } && form.HasRegisterForm && form.HasMemoryForm;
            bool isAlwaysMemory = !isChoice && form.Memory != null;
            if (isChoice == isMemory.HasValue)
            {
                yield return new FusionStep(form, isMemory ?? isAlwaysMemory);
            }
        }
    }

    List<FusionStep> ParseSide(IReadOnlyList<Word> names, bool isFirst)
    {
        List<FusionStep> steps = new();
        foreach (Word name in names)
        {
            if (!_groups.TryGetValue(name.Text, out List<FusionStep> group))
            {
                _errors.Add(name, $"`{name}` is no name of steps above");
                continue;
            }
            foreach (FusionStep step in group)
            {
                if (!CanFuse(step.Form, isFirst))
                {
                    _errors.Add(name, $"`{step.Form}` cannot be {(isFirst ? "first, as it is raw or ends its block" : "second, as it is raw or changes the mode")}");
                }
                steps.Add(step);
            }
        }
        return steps;
    }

    static bool CanFuse(Form form, bool isFirst) =>
        form.Semantics.Tier != SemanticsTier.Raw && (isFirst ? form.End == FormEnd.None : form.End is not (FormEnd.Mode or FormEnd.Exit));
}
