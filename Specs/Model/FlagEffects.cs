using System.Collections.Generic;

namespace FastVcpu.Specs;

/// <summary>What an instruction does with the arithmetic flags, as masks of RFLAGS.</summary>
public sealed class FlagEffects
{
    /// <summary>The flags by letter, at their places in RFLAGS.</summary>
    static readonly Dictionary<char, uint> Bits = new()
    {
        ['o'] = 0x800, ['s'] = 0x80, ['z'] = 0x40, ['a'] = 0x10, ['p'] = 4, ['c'] = 1,
    };

    /// <summary>The flags of the eight pairs of conditions: O B Z BE S P L LE.</summary>
    static readonly uint[] ConditionFlags = { 0x800, 1, 0x40, 0x41, 0x80, 4, 0x880, 0x8C0 };

    public const uint All = 0x8D5;

    /// <summary>A row without flags.</summary>
    public static readonly FlagEffects None = new();

    public uint Read { get; private set; }
    public uint Written { get; private set; }
    public uint Undefined { get; private set; }
    public uint Cleared { get; private set; }
    public uint Set { get; private set; }

    /// <summary>Of the flags written: those that may also stay.</summary>
    public uint MayStay { get; private set; }

    /// <summary>Every flag that may come out changed.</summary>
    public uint Changed => Written | Undefined | Cleared | Set;

    /// <summary>Flags whose old value nobody can see afterwards.</summary>
    public uint Overwritten => Changed & ~MayStay;

    public bool Any => (Read | Changed) != 0;

    /// <summary>Parses <c>r:c,w:oszap?,u:a</c>; <c>r:cc</c> takes the flags of the condition.</summary>
    /// <returns>null when the text is wrong</returns>
    public static FlagEffects? Parse(string text, int? condition)
    {
        FlagEffects effects = new();
        foreach (string group in text.Split(','))
        {
            if (group.Length < 3 || group[1] != ':')
            {
                return null;
            }
            bool mayStay = group.EndsWith("?");
            string letters = group.Substring(2).TrimEnd('?');
            uint mask = 0;
            if (letters == "cc" && group[0] == 'r')
            {
                if (condition == null)
                {
                    return null;
                }
                mask = ConditionFlags[condition.Value >> 1];
            }
            else
            {
                foreach (char letter in letters)
                {
                    if (!Bits.TryGetValue(letter, out uint bit) || (mask & bit) != 0)
                    {
                        return null;
                    }
                    mask |= bit;
                }
            }
            if (mask == 0 || (group[0] != 'r' && (effects.Changed & mask) != 0) || !effects.Add(group[0], mask))
            {
                return null;
            }
            effects.MayStay |= mayStay && group[0] != 'r' ? mask : 0;
        }
        return effects;
    }

    bool Add(char kind, uint mask)
    {
        switch (kind)
        {
            case 'r':
                Read |= mask;
                return true;
            case 'w':
                Written |= mask;
                return true;
            case 'u':
                Undefined |= mask;
                return true;
            case '0':
                Cleared |= mask;
                return true;
            case '1':
                Set |= mask;
                return true;
            default:
                return false;
        }
    }
}
