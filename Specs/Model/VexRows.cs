using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace FastVcpu.Specs;

/// <summary>
/// Derives the VEX forms of SSE rows from their `vex=`. They compute the same by the same method: a destination that is read too becomes a
/// destination and a source in VEX.vvvv, a scalar result is completed from there, and 256-bit forms have operands of twice the width.
/// </summary>
sealed class VexRows
{
    static readonly Regex ItemPattern = new(@"^(128|256|LIG)(?:\.(W0|W1))?(?::([A-Z0-9+]+))?$");

    static readonly Dictionary<string, string> Doubled = new() { ["w"] = "d", ["d"] = "q", ["q"] = "dq", ["dq"] = "qq", ["o"] = "o" };

    /// <summary>Attributes that the VEX forms do not take over.</summary>
    static readonly HashSet<string> Dropped = new() { "vex", "cpu", "unaligned" };

    const string DefaultFeature = "AVX";

    readonly OperandTable _operands;
    readonly SpecErrors _errors;

    public VexRows(OperandTable operands, SpecErrors errors)
    {
        _operands = operands;
        _errors = errors;
    }

    /// <summary>The rows that a row with `vex=` stands for besides itself. On an instruction line it is not meant for the MMX forms.</summary>
    public IEnumerable<Row> Of(Row row)
    {
        if (!row.Attributes.TryGetValue("vex", out RowAttribute vex) || row.Operands.Any(o => o.Kind.Class == OperandClass.Mmx))
        {
            return Enumerable.Empty<Row>();
        }
        if (row.Encoding.IsVex || row.Encoding.Map == OpcodeMap.OneByte || row.Encoding.Prefix is MandatoryPrefix.Any or MandatoryPrefix.NoRepeat)
        {
            _errors.Add(row.Place, "`vex=` is for legacy encodings with NP, 66, F3 or F2 and map 0F");
            return Enumerable.Empty<Row>();
        }
        return vex.Value.Split(',').Select(item => Derive(row, vex, item)).OfType<Row>().ToList();
    }

    Row? Derive(Row row, RowAttribute vex, string item)
    {
        Match match = ItemPattern.Match(item);
        if (!match.Success)
        {
            _errors.Add(vex.Word, $"`{item}` is not 128, 256 or LIG, then perhaps .W0 or .W1, then perhaps :FEATURES");
            return null;
        }
        string length = match.Groups[1].Value, features = match.Groups[3].Success ? match.Groups[3].Value : DefaultFeature;
        List<Operand>? operands = Operands(row, length == "256");
        if (operands == null)
        {
            return null;
        }
        Encoding encoding = Encode(row, length, match.Groups[2].Value);
        Dictionary<string, RowAttribute> attributes = row.Attributes.Where(a => !Dropped.Contains(a.Key)).ToDictionary(a => a.Key, a => a.Value);
        if (row.Encoding.W == 1)
        {
            // REX exists in 64-bit mode only; VEX.W does not matter outside.
            attributes["64"] = new RowAttribute("64", "", vex.Word);
        }
        attributes["cpu"] = new RowAttribute("cpu", features, vex.Word);
        Word mnemonic = new("V" + row.Mnemonic.Text, row.Mnemonic.Place);
        return new Row(mnemonic, row.Place, encoding, operands, attributes, Text(row, encoding));
    }

    static Encoding Encode(Row row, string length, string w)
    {
        Encoding legacy = row.Encoding;
        bool selects = row.Operands.Any(o => o.Kind.Width.Selector == WidthSelector.W);
        Encoding encoding = new()
        {
            Map = legacy.Map - OpcodeMap.Map0F + OpcodeMap.Vex0F,
            Opcode = legacy.Opcode,
            Prefix = legacy.Prefix,
            W = w.Length > 0 ? w[1] - '0' : legacy.W,
            L = length switch { "128" => 0, "256" => 1, _ => null },
            WSelects = selects,
            HasModrm = legacy.HasModrm,
            Digit = legacy.Digit,
            FixedModrm = legacy.FixedModrm,
        };
        encoding.Immediates.AddRange(legacy.Immediates);
        return encoding;
    }

    List<Operand>? Operands(Row row, bool isWide)
    {
        List<Operand> operands = new();
        foreach (Operand operand in row.Operands)
        {
            bool isEncoded = operand.Kind.Class == OperandClass.Xmm && operand.Kind.IsModrm;
            bool isScalar = operand.Kind.Width.Bits is > 0 and < 128;
            if (!isEncoded || !operand.IsWritten || (!operand.IsRead && !isScalar))
            {
                operands.Add(Replace(operand, operand.Kind.Name, operand.Access, isWide));
            }
            else if (operand.Kind.MayBeMemory)
            {
                _errors.Add(operand.Word, $"`{operand.Word}`: with `vex=`, register and memory forms need rows of their own, because only the former uses VEX.vvvv");
                return null;
            }
            else if (operand.Kind.Place == OperandPlace.ModrmReg || !operand.IsRead)
            {
                operands.Add(Replace(operand, operand.Kind.Name, OperandAccess.Write, isWide));
                operands.Add(Replace(operand, "H" + operand.Kind.Width.Name, operand.IsRead ? OperandAccess.Read : OperandAccess.Merge, isWide));
            }
            else
            {
                // The destination of shifts by an immediate, whose ModRM.reg is taken.
                operands.Add(Replace(operand, "H" + operand.Kind.Width.Name, OperandAccess.Write, isWide));
                operands.Add(Replace(operand, operand.Kind.Name, OperandAccess.Read, isWide));
            }
        }
        return operands;
    }

    Operand Replace(Operand operand, string name, OperandAccess access, bool isWide)
    {
        string width = operand.Kind.Width.Name;
        if (isWide && operand.Kind.Class is OperandClass.Xmm or OperandClass.Mem && Doubled.TryGetValue(width, out string? twice))
        {
            name = name.Substring(0, name.Length - width.Length) + twice;
        }
        if (!_operands.TryGet(name, out OperandKind kind))
        {
            _errors.Add(operand.Word, $"`vex=` makes `{name}` of `{operand.Word}`, which is not an operand of operands.isa");
            return operand;
        }
        string suffix = access switch { OperandAccess.Write => ":w", OperandAccess.ReadWrite => ":rw", OperandAccess.Merge => ":m", _ => "" };
        return new Operand(kind, access, new Word(name + suffix, operand.Word.Place));
    }

    /// <summary>The encoding as it would be written in a row: a VEX word in the place of prefixes and map.</summary>
    static string Text(Row row, Encoding encoding)
    {
        string length = encoding.L switch { 0 => "128", 1 => "256", _ => "LIG" };
        string prefix = encoding.Prefix switch { MandatoryPrefix.P66 => ".66", MandatoryPrefix.F3 => ".F3", MandatoryPrefix.F2 => ".F2", _ => "" };
        string map = encoding.Map switch { OpcodeMap.Vex0F => ".0F", OpcodeMap.Vex0F38 => ".0F38", _ => ".0F3A" };
        string w = encoding.WSelects ? ".W" : encoding.W is int value ? $".W{value}" : ".WIG";
        string[] words = row.Text.Split(' ');
        int opcode = System.Array.IndexOf(words, "0F") + (encoding.Map == OpcodeMap.Vex0F ? 1 : 2);
        return string.Join(" ", words.Skip(opcode).Prepend($"VEX.{length}{prefix}{map}{w}"));
    }
}
