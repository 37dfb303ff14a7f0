using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace FastVcpu.Specs;

/// <summary>Reads the instruction files.</summary>
sealed class RowParser
{
    static readonly Regex MnemonicPattern = new(@"^[A-Z][A-Z0-9]*(\{cc\})?[A-Z0-9]*$");

    /// <summary>Attributes with a value. Those without one are in <see cref="Words"/>.</summary>
    static readonly HashSet<string> Keys = new() { "sem", "flags", "cpu", "vex", "end", "rep", "cpl", "shadow", "exc", "undef", "lock" };

    static readonly HashSet<string> Words = new()
    {
        "lock", "stack", "mmx", "x87", "sse", "unaligned", "aligned", "64", "!64", "o16", "o32", "o64", "a16", "a32", "a64", "d64", "f64", "pm", "reg",
        "mem", "sreg!=CS", "!REX.B", "!REX.R", "anymod",
    };

    readonly OperandTable _operands;
    readonly SpecErrors _errors;
    readonly List<Row> _rows = new();

    Word _mnemonic;
    Dictionary<string, RowAttribute>? _attributes;
    bool _hasForms = true;

    RowParser(OperandTable operands, SpecErrors errors)
    {
        _operands = operands;
        _errors = errors;
    }

    public static List<Row> Parse(IEnumerable<Line> lines, OperandTable operands, SpecErrors errors)
    {
        RowParser parser = new(operands, errors);
        foreach (Line line in lines)
        {
            if (line.IsIndented)
            {
                parser.Form(line);
            }
            else
            {
                parser.Instruction(line);
            }
        }
        parser.EndInstruction();
        return parser._rows;
    }

    void Instruction(Line line)
    {
        EndInstruction();
        IReadOnlyList<Word> words = line.Columns[0];
        _attributes = null;
        _hasForms = false;
        if (words.Count == 0 || line.Columns.Count > 1)
        {
            _errors.Add(line.Place, "an instruction line is a mnemonic and attributes; form lines are indented");
            _hasForms = true;
            return;
        }
        _mnemonic = words[0];
        if (!MnemonicPattern.IsMatch(_mnemonic.Text))
        {
            _errors.Add(_mnemonic, $"`{_mnemonic}` is not a mnemonic");
        }
        _attributes = Attributes(words.Skip(1));
    }

    void EndInstruction()
    {
        if (!_hasForms)
        {
            _errors.Add(_mnemonic, $"`{_mnemonic}` has no form");
        }
    }

    void Form(Line line)
    {
        if (_attributes == null)
        {
            if (!_hasForms || _mnemonic.Text == null)
            {
                _errors.Add(line.Place, "a form line without an instruction line");
            }
            return;
        }
        _hasForms = true;
        if (line.Columns.Count > 3)
        {
            _errors.Add(line.Place, "more than three columns");
            return;
        }
        Encoding? encoding = EncodingParser.Parse(line.Columns[0], line.Place, _errors);
        List<Operand> operands = Operands(line.Column(1), out bool operandsOk);
        Dictionary<string, RowAttribute> overrides = Attributes(line.Column(2));
        if (encoding == null || !operandsOk)
        {
            return;
        }
        Dictionary<string, RowAttribute> merged = new(_attributes);
        foreach (RowAttribute attribute in overrides.Values)
        {
            merged[attribute.Key] = attribute;
        }
        _rows.Add(new Row(_mnemonic, line.Place, encoding, operands, merged, string.Join(" ", line.Columns[0])));
    }

    Dictionary<string, RowAttribute> Attributes(IEnumerable<Word> words)
    {
        Dictionary<string, RowAttribute> attributes = new();
        foreach (Word word in words)
        {
            int equals = Words.Contains(word.Text) ? -1 : word.Text.IndexOf('=');
            string key = equals < 0 ? word.Text : word.Text.Substring(0, equals);
            if (equals < 0 ? !Words.Contains(key) : !Keys.Contains(key))
            {
                _errors.Add(word, $"`{word}` is not an attribute: {string.Join(" ", Keys.Select(k => k + "=").Concat(Words))}");
            }
            else if (attributes.ContainsKey(key))
            {
                _errors.Add(word, $"`{key}` is there twice");
            }
            else
            {
                attributes.Add(key, new RowAttribute(key, equals < 0 ? "" : word.Text.Substring(equals + 1), word));
            }
        }
        return attributes;
    }

    List<Operand> Operands(IEnumerable<Word> words, out bool ok)
    {
        List<Operand> operands = new();
        ok = true;
        foreach (Word word in words)
        {
            int colon = word.Text.IndexOf(':');
            string name = colon < 0 ? word.Text : word.Text.Substring(0, colon);
            OperandAccess access = 0;
            switch (colon < 0 ? "r" : word.Text.Substring(colon + 1))
            {
                case "r":
                    access = OperandAccess.Read;
                    break;
                case "w":
                    access = OperandAccess.Write;
                    break;
                case "rw":
                    access = OperandAccess.ReadWrite;
                    break;
                case "m":
                    access = OperandAccess.Merge;
                    break;
                default:
                    _errors.Add(word.Part(colon + 1, word.Text.Length - colon - 1), "an access is r, w, rw or m");
                    ok = false;
                    continue;
            }
            if (_operands.TryGet(name, out OperandKind kind))
            {
                operands.Add(new Operand(kind, access, word));
            }
            else
            {
                _errors.Add(word, $"`{name}` is not an operand of operands.isa");
                ok = false;
            }
        }
        return operands;
    }
}
