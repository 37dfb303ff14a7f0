using System.Diagnostics.CodeAnalysis;
using FastVcpu.Decode;

namespace FastVcpu;

/// <summary>A CPU model: the instructions a virtual CPU has and what CPUID tells about them.</summary>
/// <remarks>A model only has features that this version implements, so that CPUID promises nothing that is not there.</remarks>
public sealed partial class CpuModel
{
    CpuModel(string name, string vendor, int family, int model, int stepping, FeatureSet features)
    {
        Name = name;
        Vendor = vendor;
        Family = family;
        Model = model;
        Stepping = stepping;
        Features = features;
    }

    /// <summary>The name by which <see cref="Find"/> knows it.</summary>
    public string Name { get; }

    /// <summary>The twelve characters of CPUID leaf 0; empty for models without CPUID.</summary>
    public string Vendor { get; }

    /// <summary>The family, extended family included.</summary>
    public int Family { get; }

    /// <summary>The model number, extended model included.</summary>
    public int Model { get; }

    /// <summary>The stepping.</summary>
    public int Stepping { get; }

    internal FeatureSet Features { get; }

    /// <summary>Family, model and stepping as CPUID leaf 1 and a reset report them.</summary>
    internal uint Signature
    {
        get
        {
            uint family = (uint)Math.Min(Family, 15), extendedFamily = (uint)(Family - family);
            return extendedFamily << 20 | (uint)(Model >> 4) << 16 | family << 8 | (uint)(Model & 15) << 4 | (uint)Stepping;
        }
    }

    /// <summary>True if the model has the feature.</summary>
    public bool Has(CpuFeature feature) => Features.Has(feature);

    /// <summary>The model of that name, or null.</summary>
    public static CpuModel? Find(string name) => All.FirstOrDefault(model => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The same model with more features.</summary>
    /// <exception cref="ArgumentException">This version does not implement a feature.</exception>
    public CpuModel With(params ReadOnlySpan<CpuFeature> features)
    {
        FeatureSet set = Features;
        foreach (CpuFeature feature in features)
        {
            if (!Implemented.Has(feature))
            {
                throw new ArgumentException($"{feature} is not implemented.", nameof(features));
            }
            set = set.With(feature);
        }
        return new CpuModel(Name, Vendor, Family, Model, Stepping, set);
    }

    /// <summary>The same model with fewer features.</summary>
    public CpuModel Without(params ReadOnlySpan<CpuFeature> features)
    {
        FeatureSet set = Features;
        foreach (CpuFeature feature in features)
        {
            set = set.Without(feature);
        }
        return new CpuModel(Name, Vendor, Family, Model, Stepping, set);
    }

    /// <summary>True if some model can have the feature.</summary>
    public static bool IsImplemented(CpuFeature feature) => Implemented.Has(feature);

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
