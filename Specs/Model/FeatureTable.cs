using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace FastVcpu.Specs;

/// <summary>A bit of a CPUID leaf.</summary>
public sealed class CpuidBit
{
    public CpuidBit(uint leaf, uint subleaf, string register, int bit)
    {
        Leaf = leaf;
        Subleaf = subleaf;
        Register = register;
        Bit = bit;
    }

    public uint Leaf { get; }
    public uint Subleaf { get; }

    /// <summary>EAX, EBX, ECX or EDX.</summary>
    public string Register { get; }

    public int Bit { get; }
}

/// <summary>A feature of a CPU.</summary>
public sealed class Feature
{
    public Feature(int index, string name, string member, CpuidBit? cpuid, bool hasNoRows, string description)
    {
        Index = index;
        Name = name;
        Member = member;
        Cpuid = cpuid;
        HasNoRows = hasNoRows;
        Description = description;
    }

    public int Index { get; }

    /// <summary>The name in rows.</summary>
    public string Name { get; }

    /// <summary>The name in C#.</summary>
    public string Member { get; }

    public CpuidBit? Cpuid { get; }

    /// <summary>A feature without instructions.</summary>
    public bool HasNoRows { get; }

    public string Description { get; }
}

/// <summary>The features of tables/features.isa.</summary>
public sealed class FeatureTable
{
    static readonly Regex BitPattern = new(@"^(?<leaf>[0-9A-F]+)(\.(?<sub>[0-9]+))?\.(?<register>E[ABCD]X)\.(?<bit>[0-9]+)$");

    readonly List<Feature> _features = new();
    readonly Dictionary<string, Feature> _byName = new();

    /// <summary>The most features that the generated bit set holds.</summary>
    public const int Capacity = 128;

    public IReadOnlyList<Feature> Features => _features;

    public bool TryGet(string name, out Feature feature) => _byName.TryGetValue(name, out feature!);

    public static FeatureTable Parse(IEnumerable<Line> lines, SpecErrors errors)
    {
        FeatureTable table = new();
        foreach (Line line in lines)
        {
            IReadOnlyList<Word> words = line.Columns[0];
            if (line.Columns.Count != 2 || words.Count is < 3 or > 4)
            {
                errors.Add(line.Place, "expected `NAME MEMBER CPUID [norows] | description`");
                continue;
            }
            Match match = BitPattern.Match(words[2].Text);
            if (!match.Success && words[2].Text != "-")
            {
                errors.Add(words[2], $"`{words[2]}` is not `-` and not leaf[.subleaf].register.bit");
                continue;
            }
            if (words.Count == 4 && words[3].Text != "norows")
            {
                errors.Add(words[3], $"`{words[3]}` is not `norows`");
                continue;
            }
            table.Add(line, match.Success ? Bit(match) : null, errors);
        }
        return table;
    }

    void Add(Line line, CpuidBit? bit, SpecErrors errors)
    {
        IReadOnlyList<Word> words = line.Columns[0];
        if (_features.Any(f => f.Name == words[0].Text || f.Member == words[1].Text))
        {
            errors.Add(words[0], $"feature `{words[0]}` is there twice");
            return;
        }
        if (_features.Count == Capacity)
        {
            errors.Add(words[0], $"more than {Capacity} features");
            return;
        }
        Feature feature = new(_features.Count, words[0].Text, words[1].Text, bit, words.Count == 4, line.LastColumn);
        _features.Add(feature);
        _byName.Add(feature.Name, feature);
    }

    static CpuidBit Bit(Match match) => new(
        uint.Parse(match.Groups["leaf"].Value, System.Globalization.NumberStyles.HexNumber),
        match.Groups["sub"].Success ? uint.Parse(match.Groups["sub"].Value) : 0,
        match.Groups["register"].Value,
        int.Parse(match.Groups["bit"].Value));
}
