using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>The operands of tables/operands.isa.</summary>
public sealed class OperandTable
{
    static readonly Dictionary<string, OperandPlace> Places = new()
    {
        ["modrm.rm"] = OperandPlace.ModrmRm,
        ["modrm.reg"] = OperandPlace.ModrmReg,
        ["vvvv"] = OperandPlace.Vvvv,
        ["opcode"] = OperandPlace.Opcode,
        ["imm"] = OperandPlace.Imm,
        ["is4"] = OperandPlace.Is4,
        ["moffs"] = OperandPlace.Moffs,
        ["si"] = OperandPlace.Si,
        ["di"] = OperandPlace.Di,
        ["bx"] = OperandPlace.Bx,
        ["dsdi"] = OperandPlace.DsDi,
        ["dsax"] = OperandPlace.DsAx,
    };

    static readonly Dictionary<string, OperandClass> Classes = new()
    {
        ["gpr"] = OperandClass.Gpr,
        ["mmx"] = OperandClass.Mmx,
        ["xmm"] = OperandClass.Xmm,
        ["seg"] = OperandClass.Seg,
        ["cr"] = OperandClass.Cr,
        ["dr"] = OperandClass.Dr,
        ["sti"] = OperandClass.Sti,
        ["mem"] = OperandClass.Mem,
        ["vsib"] = OperandClass.Mem,
        ["imm"] = OperandClass.Imm,
        ["rel"] = OperandClass.Rel,
        ["far"] = OperandClass.Far,
        ["rip"] = OperandClass.Rip,
        ["push"] = OperandClass.Push,
        ["pop"] = OperandClass.Pop,
    };

    static readonly Dictionary<string, WidthSelector> Selectors = new()
    {
        ["osize"] = WidthSelector.OperandSize,
        ["osize32"] = WidthSelector.OperandSize32,
        ["w"] = WidthSelector.W,
        ["l"] = WidthSelector.L,
    };

    readonly Dictionary<string, OperandKind> _kinds = new();
    readonly Dictionary<string, OperandWidth> _widths = new();
    readonly SpecErrors _errors;

    OperandTable(SpecErrors errors) => _errors = errors;

    public static OperandTable Parse(IEnumerable<Line> lines, SpecErrors errors)
    {
        OperandTable table = new(errors);
        foreach (Line line in lines)
        {
            IReadOnlyList<Word> words = line.Columns[0];
            switch (words[0].Text)
            {
                case "width" when words.Count >= 3:
                    table.ParseWidth(words);
                    break;
                case "letter" when words.Count >= 5:
                    table.ParseLetter(words);
                    break;
                case "fixed" when words.Count == 5:
                    table.ParseFixed(words);
                    break;
                default:
                    errors.Add(line.Place, "expected `width NAME BITS`, `letter NAME PLACE CLASSES WIDTHS` or `fixed NAME CLASS NUMBER WIDTH`");
                    break;
            }
        }
        return table;
    }

    public bool TryGet(string name, out OperandKind kind) => _kinds.TryGetValue(name, out kind!);

    public IEnumerable<OperandKind> Kinds => _kinds.Values;

    void ParseWidth(IReadOnlyList<Word> words)
    {
        string name = words[1].Text;
        if (_widths.ContainsKey(name))
        {
            _errors.Add(words[1], $"width `{name}` is there twice");
        }
        else if (Selectors.TryGetValue(words[2].Text, out WidthSelector selector))
        {
            _widths.Add(name, new OperandWidth(name, selector, 0));
        }
        else if (int.TryParse(words[2].Text, NumberStyles.None, CultureInfo.InvariantCulture, out int bits))
        {
            _widths.Add(name, new OperandWidth(name, WidthSelector.None, bits));
        }
        else
        {
            Unknown(words[2], "a size", Selectors.Keys);
        }
    }

    void ParseLetter(IReadOnlyList<Word> words)
    {
        if (!Places.TryGetValue(words[2].Text, out OperandPlace place))
        {
            Unknown(words[2], "a place", Places.Keys);
            return;
        }
        string[] classes = words[3].Text.Split('/');
        if (!Classes.TryGetValue(classes[0], out OperandClass @class) || classes.Length > 2 || (classes.Length == 2 && classes[1] is not ("mem" or "bits")))
        {
            Unknown(words[3], "a class", Classes.Keys);
            return;
        }
        foreach (Word width in words.Skip(4))
        {
            if (!_widths.TryGetValue(width.Text, out OperandWidth? found))
            {
                Unknown(width, "a width", _widths.Keys);
                continue;
            }
            string name = words[1].Text + (width.Text == "-" ? "" : width.Text);
            Add(width, new OperandKind(name, place, @class, classes.Length == 2, classes.Last() == "bits", classes[0] == "vsib", 0, found));
        }
    }

    void ParseFixed(IReadOnlyList<Word> words)
    {
        if (!Classes.TryGetValue(words[2].Text, out OperandClass @class))
        {
            Unknown(words[2], "a class", Classes.Keys);
        }
        else if (!int.TryParse(words[3].Text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            _errors.Add(words[3], $"`{words[3]}` is not a number");
        }
        else if (!_widths.TryGetValue(words[4].Text, out OperandWidth? width))
        {
            Unknown(words[4], "a width", _widths.Keys);
        }
        else
        {
            Add(words[1], new OperandKind(words[1].Text, OperandPlace.Fixed, @class, false, false, false, number, width));
        }
    }

    void Add(Word word, OperandKind kind)
    {
        if (_kinds.ContainsKey(kind.Name))
        {
            _errors.Add(word, $"operand `{kind.Name}` is there twice");
        }
        else
        {
            _kinds.Add(kind.Name, kind);
        }
    }

    void Unknown(Word word, string what, IEnumerable<string> known) =>
        _errors.Add(word, $"`{word}` is not {what}: {string.Join(" ", known)}");
}
