using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>Reads the first column of a form line.</summary>
sealed class EncodingParser
{
    static readonly Dictionary<string, ImmediateField> Immediates = new()
    {
        ["ib"] = ImmediateField.Ib,
        ["iw"] = ImmediateField.Iw,
        ["id"] = ImmediateField.Id,
        ["iz"] = ImmediateField.Iz,
        ["iv"] = ImmediateField.Iv,
        ["cb"] = ImmediateField.Cb,
        ["cz"] = ImmediateField.Cz,
        ["cp"] = ImmediateField.Cp,
        ["mo"] = ImmediateField.Moffs,
        ["is4"] = ImmediateField.Is4,
    };

    readonly IReadOnlyList<Word> _words;
    readonly SpecErrors _errors;
    readonly Encoding _encoding = new();
    int _next;

    EncodingParser(IReadOnlyList<Word> words, SpecErrors errors)
    {
        _words = words;
        _errors = errors;
    }

    /// <returns>null after an error</returns>
    public static Encoding? Parse(IReadOnlyList<Word> words, Place line, SpecErrors errors)
    {
        if (words.Count == 0)
        {
            errors.Add(line, "the encoding is missing");
            return null;
        }
        EncodingParser parser = new(words, errors);
        return (words[0].Text.StartsWith("VEX.") ? parser.Vex() : parser.Legacy()) && parser.Opcode() && parser.Modrm() && parser.Rest()
            ? parser._encoding
            : null;
    }

    string? Peek => _next < _words.Count ? _words[_next].Text : null;

    bool Legacy()
    {
        for (; Peek is "NP" or "NFx" or "66" or "F3" or "F2" or "REX.W"; _next++)
        {
            if (Peek == "REX.W")
            {
                _encoding.W = 1;
            }
            else if (_encoding.Prefix != MandatoryPrefix.Any)
            {
                return Error("a second mandatory prefix");
            }
            else
            {
                _encoding.Prefix = Peek switch
                {
                    "NP" => MandatoryPrefix.None,
                    "NFx" => MandatoryPrefix.NoRepeat,
                    "66" => MandatoryPrefix.P66,
                    "F3" => MandatoryPrefix.F3,
                    _ => MandatoryPrefix.F2,
                };
            }
        }
        if (Peek == "0F")
        {
            _next++;
            _encoding.Map = Peek switch { "38" => OpcodeMap.Map0F38, "3A" => OpcodeMap.Map0F3A, _ => OpcodeMap.Map0F };
            _next += _encoding.Map == OpcodeMap.Map0F ? 0 : 1;
        }
        return true;
    }

    bool Vex()
    {
        Word word = _words[_next++];
        _encoding.Prefix = MandatoryPrefix.None;
        bool hasLength = false, hasMap = false, hasW = false;
        int start = 4;
        foreach (string part in word.Text.Substring(4).Split('.'))
        {
            switch (part)
            {
                case "128" or "LZ" or "256" or "LIG" or "L" when !hasLength:
                    hasLength = true;
                    _encoding.L = part switch { "128" or "LZ" => 0, "256" => 1, _ => null };
                    _encoding.LSelects = part == "L";
                    break;
                case "66" or "F3" or "F2" when !hasMap && _encoding.Prefix == MandatoryPrefix.None:
                    _encoding.Prefix = part switch { "66" => MandatoryPrefix.P66, "F3" => MandatoryPrefix.F3, _ => MandatoryPrefix.F2 };
                    break;
                case "0F" or "0F38" or "0F3A" when !hasMap:
                    hasMap = true;
                    _encoding.Map = part switch { "0F" => OpcodeMap.Vex0F, "0F38" => OpcodeMap.Vex0F38, _ => OpcodeMap.Vex0F3A };
                    break;
                case "W0" or "W1" or "WIG" or "W" when !hasW:
                    hasW = true;
                    _encoding.W = part switch { "W0" => 0, "W1" => 1, _ => null };
                    _encoding.WSelects = part == "W";
                    break;
                default:
                    _errors.Add(word.Part(start, part.Length), $"`{part}` is not expected in a VEX prefix: length, 66 F3 F2, map, W");
                    return false;
            }
            start += part.Length + 1;
        }
        if (!hasLength || !hasMap || !hasW)
        {
            _errors.Add(word, $"`{word}` has no {(!hasLength ? "length" : !hasMap ? "map" : "W")}");
            return false;
        }
        return true;
    }

    bool Opcode()
    {
        if (Peek == null || !TryHex(Peek, out byte opcode, out string suffix) || suffix is not ("" or "+r" or "+cc"))
        {
            return Error("an opcode is expected: two hexadecimal digits, or with +r or +cc");
        }
        _encoding.Opcode = opcode;
        _encoding.HasOpcodeRegister = suffix == "+r";
        _encoding.HasCondition = suffix == "+cc";
        if ((opcode & (_encoding.HasOpcodeRegister ? 7 : _encoding.HasCondition ? 15 : 0)) != 0)
        {
            return Error("the low bits of the opcode must be zero");
        }
        _next++;
        return true;
    }

    bool Modrm()
    {
        string? word = Peek;
        if (word != null && word.Length == 2 && word[0] == '/' && (word[1] == 'r' || word[1] is >= '0' and <= '7'))
        {
            _encoding.HasModrm = true;
            _encoding.Digit = word[1] == 'r' ? null : word[1] - '0';
            _next++;
        }
        else if (word != null && TryHex(word, out byte modrm, out string suffix))
        {
            if (modrm < 0xC0 || suffix is not ("" or "+i") || (suffix == "+i" && (modrm & 7) != 0))
            {
                return Error("a fixed ModRM byte must be C0 or above, and a multiple of 8 with +i");
            }
            _encoding.HasModrm = true;
            _encoding.FixedModrm = modrm;
            _encoding.HasModrmRegister = suffix == "+i";
            _next++;
        }
        return true;
    }

    bool Rest()
    {
        for (; Peek != null; _next++)
        {
            if (!Immediates.TryGetValue(Peek, out ImmediateField field))
            {
                return Error($"`{Peek}` is not expected here; immediates are {string.Join(" ", Immediates.Keys)}");
            }
            _encoding.Immediates.Add(field);
        }
        return true;
    }

    bool Error(string message)
    {
        _errors.Add(_next < _words.Count ? _words[_next] : _words.Last(), message);
        return false;
    }

    static bool TryHex(string text, out byte value, out string suffix)
    {
        value = 0;
        suffix = text.Length > 2 ? text.Substring(2) : "";
        return text.Length >= 2 && byte.TryParse(text.Substring(0, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            && text.Take(2).All(c => !char.IsLower(c));
    }
}
