using System;
using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>An encoding that no form covers, whatever else the context is: it has to be refused on every CPU.</summary>
public sealed class Hole
{
    Hole(OpcodeMap map, byte opcode, bool is64, int prefix, int? reg, bool isRegister)
    {
        Map = map;
        Opcode = opcode;
        Is64 = is64;
        Prefix = prefix;
        Reg = reg;
        IsRegister = isRegister;
    }

    public OpcodeMap Map { get; }
    public byte Opcode { get; }

    /// <summary>In 64-bit mode, or outside it.</summary>
    public bool Is64 { get; }

    /// <summary>0 none, 1 66, 2 F3, 3 F2.</summary>
    public int Prefix { get; }

    /// <summary>ModRM.reg; null when the opcode has no ModRM byte or nothing is known about it.</summary>
    public int? Reg { get; }

    /// <summary>ModRM.mod is 3.</summary>
    public bool IsRegister { get; }

    public override string ToString() =>
        $"{Map} {(Is64 ? "64" : "32")} {new[] { "NP", "66", "F3", "F2" }[Prefix]} {Opcode:X2}{(Reg == null ? "" : $" /{Reg} {(IsRegister ? "reg" : "mem")}")}";

    /// <summary>All holes of the forms.</summary>
    public static IEnumerable<Hole> Of(IEnumerable<Form> forms)
    {
        Dictionary<(OpcodeMap, byte), OpcodeEntry> entries = OpcodeEntry.All(forms).ToDictionary(e => (e.Map, e.Opcode));
        foreach (OpcodeMap map in Enum.GetValues(typeof(OpcodeMap)))
        {
            for (int opcode = 0; opcode < 256; opcode++)
            {
                entries.TryGetValue((map, (byte)opcode), out OpcodeEntry? entry);
                foreach (bool is64 in new[] { false, true })
                {
                    if (IsNoOpcode(map, opcode, is64))
                    {
                        continue;
                    }
                    foreach (Hole hole in Of(map, (byte)opcode, is64, entry))
                    {
                        yield return hole;
                    }
                }
            }
        }
    }

    static IEnumerable<Hole> Of(OpcodeMap map, byte opcode, bool is64, OpcodeEntry? entry)
    {
        for (int prefix = 0; prefix < 4; prefix++)
        {
            if (entry is not { HasModrm: true })
            {
                if (IsUncovered(entry, is64, prefix, null, false))
                {
                    yield return new Hole(map, opcode, is64, prefix, null, false);
                }
                continue;
            }
            for (int reg = 0; reg < 8; reg++)
            {
                foreach (bool isRegister in entry.IgnoresMod ? new[] { true } : new[] { false, true })
                {
                    if (IsUncovered(entry, is64, prefix, reg, isRegister))
                    {
                        yield return new Hole(map, opcode, is64, prefix, reg, isRegister);
                    }
                }
            }
        }
    }

    static bool IsUncovered(OpcodeEntry? entry, bool is64, int prefix, int? reg, bool isRegister)
    {
        uint mask = DecodeContext.Is64 | DecodeContext.Prefix | (reg == null ? 0 : DecodeContext.Reg | DecodeContext.RegisterForm);
        uint value = (is64 ? DecodeContext.Is64 : 0)
            | (uint)prefix << DecodeContext.PrefixShift
            | (uint)(reg ?? 0) << DecodeContext.RegShift
            | (isRegister ? DecodeContext.RegisterForm : 0);
        DecodePattern context = new(mask, value);
        return entry == null || !entry.Candidates.Any(c => c.Pattern.Overlaps(context));
    }

    /// <summary>Prefixes and escapes. C4, C5 and 62 are escapes in 64-bit mode, outside it with mod = 3.</summary>
    static bool IsNoOpcode(OpcodeMap map, int opcode, bool is64) => map switch
    {
        OpcodeMap.OneByte => opcode is 0x0F or 0x26 or 0x2E or 0x36 or 0x3E or (>= 0x64 and <= 0x67) or 0xF0 or 0xF2 or 0xF3 or 0xC4 or 0xC5
            || (is64 && opcode is >= 0x40 and <= 0x4F),
        OpcodeMap.Map0F => opcode is 0x38 or 0x3A,
        _ => false,
    };
}
