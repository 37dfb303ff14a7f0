namespace FastVcpu.Decode;

/// <summary>A set of <see cref="CpuFeature"/>.</summary>
/// <param name="Low">Features 0–63.</param>
/// <param name="High">Features 64–127.</param>
readonly record struct FeatureSet(ulong Low, ulong High)
{
    public bool Has(CpuFeature feature) => ((int)feature < 64 ? Low >> (int)feature & 1 : High >> ((int)feature - 64) & 1) != 0;

    /// <summary>True when everything in the other set is here too.</summary>
    public bool Contains(FeatureSet other) => (other.Low & ~Low | other.High & ~High) == 0;

    public FeatureSet With(CpuFeature feature) => new(Low | Bit(feature, 0), High | Bit(feature, 64));

    public FeatureSet Without(CpuFeature feature) => new(Low & ~Bit(feature, 0), High & ~Bit(feature, 64));

    static ulong Bit(CpuFeature feature, int first) => (int)feature >= first && (int)feature < first + 64 ? 1UL << ((int)feature - first) : 0;
}
