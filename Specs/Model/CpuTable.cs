using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>A CPU model: a set of features, and what CPUID says besides.</summary>
public sealed class Cpu
{
    public Cpu(string name, string member, string description, Cpu? basis)
    {
        Name = name;
        Member = member;
        Description = description;
        Vendor = basis?.Vendor ?? "";
        Family = basis?.Family ?? 0;
        Model = basis?.Model ?? 0;
        Stepping = basis?.Stepping ?? 0;
        Features = new HashSet<Feature>(basis?.Features ?? Enumerable.Empty<Feature>());
    }

    public string Name { get; }
    public string Member { get; }
    public string Description { get; }
    public string Vendor { get; set; }
    public int Family { get; set; }
    public int Model { get; set; }
    public int Stepping { get; set; }

    /// <summary>What the table lists; a model has those of them that exist (<see cref="Specification.Exists"/>).</summary>
    public ISet<Feature> Features { get; }
}

/// <summary>The models of tables/cpus.isa.</summary>
public sealed class CpuTable
{
    readonly List<Cpu> _cpus = new();

    public IReadOnlyList<Cpu> Cpus => _cpus;

    public static CpuTable Parse(IEnumerable<Line> lines, FeatureTable features, SpecErrors errors)
    {
        CpuTable table = new();
        Cpu? current = null;
        foreach (Line line in lines)
        {
            if (!line.IsIndented)
            {
                current = table.ParseModel(line, errors);
            }
            else if (current != null)
            {
                ParseFeatures(line, current, features, errors);
            }
        }
        return table;
    }

    Cpu? ParseModel(Line line, SpecErrors errors)
    {
        IReadOnlyList<Word> words = line.Columns[0];
        if (line.Columns.Count != 2 || words.Count < 2)
        {
            errors.Add(line.Place, "expected `NAME MEMBER key=value … | description`");
            return null;
        }
        if (_cpus.Any(c => c.Name == words[0].Text || c.Member == words[1].Text))
        {
            errors.Add(words[0], $"model `{words[0]}` is there twice");
            return null;
        }
        Word? extends = words.Skip(2).Where(w => w.Text.StartsWith("extends=")).Cast<Word?>().FirstOrDefault();
        Cpu? basis = extends == null ? null : _cpus.FirstOrDefault(c => "extends=" + c.Name == extends.Value.Text);
        if (extends != null && basis == null)
        {
            errors.Add(extends.Value, $"`{extends}`: no such model above");
        }
        Cpu cpu = new(words[0].Text, words[1].Text, line.LastColumn, basis);
        foreach (Word word in words.Skip(2))
        {
            SetProperty(cpu, word, errors);
        }
        _cpus.Add(cpu);
        return cpu;
    }

    static void SetProperty(Cpu cpu, Word word, SpecErrors errors)
    {
        int equals = word.Text.IndexOf('=');
        string key = equals < 0 ? word.Text : word.Text.Substring(0, equals), value = word.Text.Substring(equals + 1);
        bool isNumber = int.TryParse(value, out int number);
        switch (key)
        {
            case "extends":
                break;
            case "vendor" when value.Length == 12:
                cpu.Vendor = value;
                break;
            case "family" when isNumber:
                cpu.Family = number;
                break;
            case "model" when isNumber:
                cpu.Model = number;
                break;
            case "stepping" when isNumber:
                cpu.Stepping = number;
                break;
            default:
                errors.Add(word, $"`{word}` is not extends=NAME, vendor=(12 characters), family=, model= or stepping=NUMBER");
                break;
        }
    }

    static void ParseFeatures(Line line, Cpu cpu, FeatureTable features, SpecErrors errors)
    {
        foreach (Word word in line.Columns[0])
        {
            if (word.Text == "*")
            {
                cpu.Features.UnionWith(features.Features);
            }
            else if (!features.TryGet(word.Text, out Feature feature))
            {
                errors.Add(word, $"`{word}` is not a feature of features.isa");
            }
            else if (!cpu.Features.Add(feature))
            {
                errors.Add(word, $"`{word}` is in the model already");
            }
        }
    }
}
