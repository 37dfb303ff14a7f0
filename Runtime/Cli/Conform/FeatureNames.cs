namespace FastVcpu.Cli.Conform;

/// <summary>Answers whether a CPU model has the features that a vector names, in the names of the vectors.</summary>
sealed class FeatureNames(CpuModel model)
{
    /// <summary>What an encoding raises when its feature is missing: such vectors can always run.</summary>
    public const int InvalidOpcode = 6;

    /// <summary>Names that say something else than the feature's own name without its underscores.</summary>
    static readonly Dictionary<string, CpuFeature> Others = new()
    {
        ["INTEL8086"] = CpuFeature.I8086,
        ["INTEL186"] = CpuFeature.I186,
        ["INTEL286"] = CpuFeature.I286,
        ["INTEL386"] = CpuFeature.I386,
        ["INTEL486"] = CpuFeature.I486,
        ["FPU287"] = CpuFeature.I286,
        ["FPU387"] = CpuFeature.I386,
        ["X64"] = CpuFeature.Lm,
        ["FPU287"] = CpuFeature.Fpu,
        ["FPU387"] = CpuFeature.Fpu,
        ["MULTIBYTENOP"] = CpuFeature.Cmov,
        ["PAUSE"] = CpuFeature.I8086,
        ["CMPXCHG16B"] = CpuFeature.Cx16,
        ["CLFSH"] = CpuFeature.Clflush,
        ["PCLMULQDQ"] = CpuFeature.Pclmul,
        ["VPCLMULQDQ"] = CpuFeature.Vpclmul,
    };

    readonly Dictionary<string, bool> answers = [];

    /// <summary>All of the features, which are joined by '+'. No name: the encoding is unknown and needs none.</summary>
    public bool AreSupported(string names)
    {
        if (names.Length == 0)
        {
            return true;
        }

        if (!answers.TryGetValue(names, out bool answer))
        {
            answer = names.Split('+').All(IsSupported);
            answers.Add(names, answer);
        }

        return answer;
    }

    bool IsSupported(string name) =>
        (Others.TryGetValue(name, out CpuFeature feature) || Enum.TryParse(name.Replace("_", ""), ignoreCase: true, out feature)) && model.Has(feature);
}
