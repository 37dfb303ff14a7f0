using System;
using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>An .isa file.</summary>
public sealed class SpecFile : IEquatable<SpecFile>
{
    public SpecFile(string path, string text)
    {
        Path = path;
        Text = text;
    }

    public string Path { get; }
    public string Text { get; }

    /// <summary>Name without folder and extension.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public bool Equals(SpecFile? other) => other != null && Path == other.Path && Text == other.Text;

    public override bool Equals(object? obj) => Equals(obj as SpecFile);

    public override int GetHashCode() => Path.GetHashCode();
}

/// <summary>The whole specification: tables, rows and forms, with all its errors.</summary>
public sealed class Specification
{
    Specification(OperandTable operands, FeatureTable features, CpuTable cpus, IReadOnlyList<Row> rows, IReadOnlyList<Form> forms, FusionTable fusion,
        IReadOnlyList<SpecError> errors)
    {
        Operands = operands;
        Features = features;
        Cpus = cpus;
        Rows = rows;
        Forms = forms;
        Fusion = fusion;
        Errors = errors;
        HashSet<Feature> used = new(forms.SelectMany(f => f.Features));
        ExistingFeatures = new HashSet<Feature>(features.Features.Where(f => f.HasNoRows || used.Contains(f)));
    }

    public OperandTable Operands { get; }
    public FeatureTable Features { get; }
    public CpuTable Cpus { get; }

    /// <summary>The rows as written, each with the VEX rows that it stands for behind it.</summary>
    public IReadOnlyList<Row> Rows { get; }
    public IReadOnlyList<Form> Forms { get; }
    public FusionTable Fusion { get; }
    public IReadOnlyList<SpecError> Errors { get; }

    /// <summary>The features that a model may have: some form needs them, or they need none.</summary>
    public ISet<Feature> ExistingFeatures { get; }

    /// <summary>The names of the tables; every other file holds rows.</summary>
    public const string OperandsName = "operands", FeaturesName = "features", CpusName = "cpus", FusionName = "fusion";

    public static Specification Load(IEnumerable<SpecFile> files)
    {
        SpecErrors errors = new();
        List<SpecFile> sorted = files.OrderBy(f => f.Path, StringComparer.Ordinal).ToList();
        OperandTable operands = OperandTable.Parse(Lines(sorted, OperandsName), errors);
        FeatureTable features = FeatureTable.Parse(Lines(sorted, FeaturesName), errors);
        CpuTable cpus = CpuTable.Parse(Lines(sorted, CpusName), features, errors);
        List<Row> rows = new();
        foreach (SpecFile file in sorted.Where(f => f.Name is not (OperandsName or FeaturesName or CpusName or FusionName)))
        {
            rows.AddRange(RowParser.Parse(Line.Split(file.Path, file.Text), operands, errors));
        }
        VexRows vex = new(operands, errors);
        rows = rows.SelectMany(row => vex.Of(row).Prepend(row)).ToList();
        List<Form> forms = new SpecExpander(features, errors).Expand(rows);
        SpecValidator.Validate(forms, errors);
        FusionTable fusion = FusionTable.Parse(Lines(sorted, FusionName), forms, errors);
        return new Specification(operands, features, cpus, rows, forms, fusion, errors.List);
    }

    static IEnumerable<Line> Lines(IEnumerable<SpecFile> files, string name) => files.Where(f => f.Name == name).SelectMany(f => Line.Split(f.Path, f.Text));
}
