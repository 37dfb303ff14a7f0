using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace FastVcpu.Specs;

/// <summary>Turns rows into forms: one for each condition and vector length, with everything derived that a row does not say.</summary>
sealed class SpecExpander
{
    static readonly string[] Conditions = { "O", "NO", "B", "AE", "E", "NE", "BE", "A", "S", "NS", "P", "NP", "L", "GE", "LE", "G" };

    static readonly HashSet<string> Exceptions = new()
    {
        "#DE", "#DB", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#TS", "#NP", "#SS", "#GP", "#PF", "#MF", "#AC", "#XM",
    };

    static readonly Regex UndefinedPattern = new("^[oszapc]+@.+$");

    readonly FeatureTable _features;
    readonly SpecErrors _errors;

    public SpecExpander(FeatureTable features, SpecErrors errors)
    {
        _features = features;
        _errors = errors;
    }

    public List<Form> Expand(IEnumerable<Row> rows)
    {
        List<Form> forms = new();
        foreach (Row row in rows)
        {
            int before = _errors.List.Count;
            List<Form> expanded = Expand(row).ToList();
            if (_errors.List.Count == before)
            {
                forms.AddRange(expanded);
            }
        }
        for (int i = 0; i < forms.Count; i++)
        {
            forms[i].Number = i;
        }
        return forms;
    }

    IEnumerable<Form> Expand(Row row)
    {
        bool isConditional = row.Mnemonic.Text.Contains("{cc}");
        if (isConditional != row.Encoding.HasCondition)
        {
            _errors.Add(row.Place, "`{cc}` in the mnemonic and `+cc` in the opcode go together");
            yield break;
        }
        int[] lengths = row.Encoding.LSelects ? new[] { 0, 1 } : new[] { -1 };
        for (int condition = 0; condition < (isConditional ? Conditions.Length : 1); condition++)
        {
            foreach (int length in lengths)
            {
                Form? form = Create(row, isConditional ? condition : null, length < 0 ? row.Encoding.L : length);
                if (form == null)
                {
                    yield break;
                }
                yield return form;
            }
        }
    }

    Form? Create(Row row, int? condition, int? length)
    {
        if (!row.Attributes.TryGetValue("sem", out RowAttribute sem))
        {
            _errors.Add(row.Place, $"`{row.Mnemonic}` has no `sem=`");
            return null;
        }
        Semantics? semantics = Semantics.Parse(sem.Value.Replace("{cc}", condition.ToString()).Replace("{x}", length == 1 ? "256" : "128"));
        if (semantics == null)
        {
            _errors.Add(sem.Word, $"`{sem.Value}` is not [cpu:|raw:]Class.Method[<T>][(constants)]");
            return null;
        }
        string mnemonic = condition == null ? row.Mnemonic.Text : row.Mnemonic.Text.Replace("{cc}", Conditions[condition.Value]);
        Form form = new(row, mnemonic, row.Encoding, semantics) { Condition = condition, L = length };
        form.Opcode += (byte)(condition ?? 0);
        Attributes(form);
        Derive(form);
        FormChecker.Check(form, _errors);
        form.Patterns = PatternBuilder.Build(form);
        if (form.Patterns.Count == 0)
        {
            _errors.Add(row.Place, "the restrictions of this row contradict each other");
        }
        return form;
    }

    void Attributes(Form form)
    {
        IReadOnlyDictionary<string, RowAttribute> attributes = form.Row.Attributes;
        foreach (RowAttribute attribute in attributes.Values)
        {
            switch (attribute.Key)
            {
                case "flags":
                    FlagEffects? flags = FlagEffects.Parse(attribute.Value, form.Condition);
                    form.Flags = flags ?? FlagEffects.None;
                    Check(attribute, flags != null, "is not a list of r: w: u: 0: 1: and letters of oszapc");
                    break;
                case "cpu":
                    form.Features = FeatureList(attribute);
                    break;
                case "end":
                    Check(attribute, Enum.TryParse(attribute.Value, true, out FormEnd end) && end != FormEnd.None && char.IsLower(attribute.Value[0]),
                        "is not jcc jmp call ind ret mode exit");
                    form.End = end;
                    break;
                case "rep":
                    Check(attribute, attribute.Value is "rep" or "repz", "is not rep or repz");
                    form.Repeat = attribute.Value == "rep" ? RepeatRule.Rep : RepeatRule.Repz;
                    break;
                case "cpl":
                    Check(attribute, attribute.Value == "0", "is not 0");
                    form.Cpl = 0;
                    break;
                case "shadow":
                    Check(attribute, attribute.Value is "ss" or "sti", "is not ss or sti");
                    form.Shadow = attribute.Value;
                    break;
                case "lock":
                    Check(attribute, attribute.Value is "" or "implicit", "is not implicit");
                    form.Lock = attribute.Value == "implicit" ? LockRule.Implicit : LockRule.Legal;
                    break;
                case "exc":
                    Check(attribute, attribute.Value.Split(',').All(Exceptions.Contains), $"is not a list of {string.Join(" ", Exceptions)}");
                    break;
                case "undef":
                    Check(attribute, UndefinedPattern.IsMatch(attribute.Value), "is not FLAGS@CONDITION with letters of oszapc");
                    break;
            }
        }
        form.In64BitMode = attributes.ContainsKey("64") ? true : attributes.ContainsKey("!64") ? false : null;
        form.OperandSizes = Sizes(attributes, "o");
        form.AddressSizes = Sizes(attributes, "a");
        form.SizeRule = attributes.ContainsKey("f64") ? OperandSizeRule.Force64 : attributes.ContainsKey("d64") ? OperandSizeRule.Default64 : OperandSizeRule.Normal;
        form.NeedsProtectedMode = attributes.ContainsKey("pm");
        form.RefusesCs = attributes.ContainsKey("sreg!=CS");
        form.RefusesRexB = attributes.ContainsKey("!REX.B");
        form.RefusesRexR = attributes.ContainsKey("!REX.R");
        form.IgnoresMod = attributes.ContainsKey("anymod");
        form.EntersMmx = attributes.ContainsKey("mmx");
        form.IsX87 = attributes.ContainsKey("x87");
        form.IsSse = attributes.ContainsKey("sse");
    }

    static List<int> Sizes(IReadOnlyDictionary<string, RowAttribute> attributes, string prefix) =>
        new[] { 16, 32, 64 }.Where(size => attributes.ContainsKey(prefix + size)).ToList();

    void Check(RowAttribute attribute, bool ok, string message)
    {
        if (!ok)
        {
            _errors.Add(attribute.Word, $"`{attribute.Value}` {message}");
        }
    }

    List<Feature> FeatureList(RowAttribute attribute)
    {
        List<Feature> features = new();
        foreach (string name in attribute.Value.Split('+'))
        {
            if (_features.TryGet(name, out Feature feature))
            {
                features.Add(feature);
            }
            else
            {
                _errors.Add(attribute.Word, $"`{name}` is not a feature of features.isa");
            }
        }
        return features;
    }

    static void Derive(Form form)
    {
        IReadOnlyDictionary<string, RowAttribute> attributes = form.Row.Attributes;
        IReadOnlyList<Operand> operands = form.Operands;
        Operand? rm = operands.FirstOrDefault(o => o.Kind.Place == OperandPlace.ModrmRm);
        form.HasRegisterForm = rm?.Kind.Class != OperandClass.Mem && !attributes.ContainsKey("mem");
        form.HasMemoryForm = form.Encoding.HasModrm && form.Encoding.FixedModrm == null && (rm == null || rm.Kind.IsMemory) && !attributes.ContainsKey("reg") && !form.IgnoresMod;
        form.NeedsStack = attributes.ContainsKey("stack") || operands.Any(o => o.Kind.Class is OperandClass.Push or OperandClass.Pop);
        bool isLegacyVector = !form.Encoding.IsVex && form.Memory?.Kind is { Width.Bits: 128 } or { Width.Selector: WidthSelector.L };
        form.NeedsAlignment = attributes.ContainsKey("aligned") || (isLegacyVector && !attributes.ContainsKey("unaligned"));
        // LOCK on the instruction line is meant for the forms that write memory.
        if (form.Memory is not { IsWritten: true })
        {
            form.Lock = LockRule.Illegal;
        }
        if (form.SizeRule == OperandSizeRule.Normal && operands.Any(o => o.Kind.Class == OperandClass.Rel))
        {
            form.SizeRule = OperandSizeRule.Default64;
        }
        form.Width = Width(operands);
        form.Widths = form.Width switch
        {
            FormWidth.None => new int[0],
            FormWidth.W => form.In64BitMode == false ? new[] { 32 } : new[] { 32, 64 },
            FormWidth.OperandSize32 => new[] { 16, 32 },
            _ => OperandSizes(form),
        };
        form.FixedWidth = form.Width != FormWidth.None
            ? 0
            : operands.Where(o => IsInteger(o.Kind) && o.Kind.Width.Bits is 8 or 16 or 32 or 64).Select(o => o.Kind.Width.Bits).FirstOrDefault();
    }

    static int[] OperandSizes(Form form)
    {
        IEnumerable<int> sizes = form.SizeRule switch
        {
            OperandSizeRule.Force64 when form.In64BitMode == true => new[] { 64 },
            OperandSizeRule.Default64 when form.In64BitMode == true => new[] { 16, 64 },
            _ => form.In64BitMode == false ? new[] { 16, 32 } : new[] { 16, 32, 64 },
        };
        return sizes.Where(size => form.OperandSizes.Count == 0 || form.OperandSizes.Contains(size)).ToArray();
    }

    static FormWidth Width(IReadOnlyList<Operand> operands)
    {
        List<WidthSelector> selectors = operands.Where(o => IsInteger(o.Kind)).Select(o => o.Kind.Width.Selector).ToList();
        return selectors.Contains(WidthSelector.OperandSize) ? FormWidth.OperandSize
            : selectors.Contains(WidthSelector.W) ? FormWidth.W
            : selectors.Contains(WidthSelector.OperandSize32) ? FormWidth.OperandSize32
            : FormWidth.None;
    }

    /// <summary>Operands whose value is an integer of a form's type. A branch target is none: the decoder computes it.</summary>
    static bool IsInteger(OperandKind kind) =>
        kind.Class is OperandClass.Gpr or OperandClass.Mem or OperandClass.Imm or OperandClass.Far or OperandClass.Rip or OperandClass.Push or OperandClass.Pop
            or OperandClass.Mmx or OperandClass.Cr or OperandClass.Dr or OperandClass.Seg;
}
