using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>CPU features and models.</summary>
static class FeatureEmitter
{
    public static IEnumerable<Product> Emit(Specification specification)
    {
        yield return new Product("CpuFeature", Features(specification));
        yield return new Product("CpuModel", Models(specification));
        yield return new Product("CpuidBits", Bits(specification));
    }

    static string Features(Specification specification)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu");
        writer.Line("/// <summary>A feature that a CPU may have.</summary>");
        writer.Block("public enum CpuFeature", () =>
        {
            foreach (Feature feature in specification.Features.Features)
            {
                writer.Line($"/// <summary>{Escape(feature.Description)}</summary>");
                writer.Line($"{feature.Member} = {feature.Index},");
            }
        });
        return writer.ToString();
    }

    static string Models(Specification specification)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu", "System.Collections.Generic", "FastVcpu.Decode");
        writer.Block("public sealed partial class CpuModel", () =>
        {
            foreach (Cpu cpu in specification.Cpus.Cpus)
            {
                writer.Line($"/// <summary>{Escape(cpu.Description)}</summary>");
                writer.Line($"public static CpuModel {cpu.Member} {{ get; }} = new(");
                writer.Continue($"\"{cpu.Name}\", \"{cpu.Vendor}\", {cpu.Family}, {cpu.Model}, {cpu.Stepping}, {Set(cpu.Features.Where(specification.ExistingFeatures.Contains))});");
                writer.Line();
            }
            writer.Line($"static FeatureSet Implemented => {Set(specification.ExistingFeatures)};");
            writer.Line();
            writer.Line("/// <summary>The models of the specification, from the oldest to the most capable.</summary>");
            writer.Line($"public static IReadOnlyList<CpuModel> All {{ get; }} = [{string.Join(", ", specification.Cpus.Cpus.Select(c => c.Member))}];");
        });
        return writer.ToString();
    }

    static string Bits(Specification specification)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu.Decode", "System");
        writer.Line("/// <summary>Where CPUID reports features: leaf, subleaf, register (0 EAX … 3 EDX), bit, feature.</summary>");
        writer.Block("static class CpuidBits", () =>
        {
            writer.Line("public const int EntrySize = 5;");
            writer.Line();
            writer.Line("public static ReadOnlySpan<uint> Entries =>");
            writer.Line("[");
            foreach (Feature feature in specification.Features.Features)
            {
                if (feature.Cpuid is CpuidBit bit)
                {
                    writer.Continue($"0x{bit.Leaf:X}, {bit.Subleaf}, {"ABCD".IndexOf(bit.Register[1])}, {bit.Bit}, {feature.Index}, // {feature.Name}");
                }
            }
            writer.Line("];");
        });
        return writer.ToString();
    }

    /// <summary>A bit set of features as a C# expression.</summary>
    public static string Set(IEnumerable<Feature> features)
    {
        ulong low = 0, high = 0;
        foreach (Feature feature in features)
        {
            if (feature.Index < 64)
            {
                low |= 1UL << feature.Index;
            }
            else
            {
                high |= 1UL << (feature.Index - 64);
            }
        }
        return $"new FeatureSet(0x{low:X}, 0x{high:X})";
    }

    static string Escape(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;");
}
