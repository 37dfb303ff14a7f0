using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>What the decoder reads: opcode maps, candidates, and a record for each form. All of it is constant data.</summary>
static class DecodeTableEmitter
{
    const int OpcodesPerMap = 256;

    public static Product Emit(Specification specification)
    {
        CodeWriter writer = CodeWriter.File("FastVcpu.Decode", "System");
        IReadOnlyList<OpcodeEntry> entries = OpcodeEntry.All(specification.Forms);
        List<IReadOnlyList<Feature>> requirements = new() { new Feature[0] };
        Context(writer);
        writer.Line();
        writer.Line("/// <summary>The opcode maps: each opcode has candidates, the most specific first.</summary>");
        writer.Block("static partial class DecodeTables", () =>
        {
            Opcodes(writer, entries);
            writer.Line();
            Candidates(writer, entries, requirements);
            writer.Line();
            Requirements(writer, requirements);
            writer.Line();
            Forms(writer, specification.Forms);
        });
        return new Product("DecodeTables", writer.ToString());
    }

    /// <summary>The context word's layout, from the class by which the specification computes its patterns.</summary>
    static void Context(CodeWriter writer)
    {
        writer.Line("/// <summary>The word of everything that a choice between forms can depend on.</summary>");
        writer.Block("static class DecodeContext", () =>
        {
            foreach (FieldInfo field in typeof(DecodeContext).GetFields().Where(f => f.IsLiteral))
            {
                writer.Line($"public const {(field.FieldType == typeof(int) ? "int" : "uint")} {field.Name} = {field.GetRawConstantValue()};");
            }
        });
    }

    static void Opcodes(CodeWriter writer, IReadOnlyList<OpcodeEntry> entries)
    {
        writer.Line("/// <summary>For each map and opcode: index of the first candidate, their number from bit 16 on; bit 30: ModRM.mod does not matter; bit 31: ModRM.</summary>");
        writer.Line("public static ReadOnlySpan<uint> Opcodes =>");
        writer.Line("[");
        uint start = 0;
        foreach (OpcodeMap map in Enum.GetValues(typeof(OpcodeMap)))
        {
            writer.Continue($"// {map}");
            List<uint> values = new();
            for (int opcode = 0; opcode < OpcodesPerMap; opcode++)
            {
                OpcodeEntry? entry = entries.FirstOrDefault(e => e.Map == map && e.Opcode == opcode);
                values.Add(entry == null ? 0 : start | (uint)entry.Candidates.Count << 16 | (entry.HasModrm ? 1u << 31 : 0) | (entry.IgnoresMod ? 1u << 30 : 0));
                start += (uint)(entry?.Candidates.Count ?? 0);
            }
            for (int row = 0; row < OpcodesPerMap; row += 16)
            {
                writer.Continue(string.Join(", ", values.Skip(row).Take(16).Select(v => $"0x{v:X}")) + ",");
            }
        }
        writer.Line("];");
    }

    static void Candidates(CodeWriter writer, IReadOnlyList<OpcodeEntry> entries, List<IReadOnlyList<Feature>> requirements)
    {
        writer.Line("/// <summary>Mask, value, and form with the index of its requirement from bit 16 on.</summary>");
        writer.Line("public static ReadOnlySpan<uint> Candidates =>");
        writer.Line("[");
        foreach (OpcodeEntry entry in entries)
        {
            writer.Continue($"// {entry.Map} {entry.Opcode:X2}");
            foreach (Candidate candidate in entry.Candidates)
            {
                int requirement = requirements.FindIndex(r => r.SequenceEqual(candidate.Form.Features));
                if (requirement < 0)
                {
                    requirement = requirements.Count;
                    requirements.Add(candidate.Form.Features);
                }
                writer.Continue($"0x{candidate.Pattern.Mask:X5}, 0x{candidate.Pattern.Value:X5}, 0x{candidate.Form.Number | requirement << 16:X}, // {candidate.Form}");
            }
        }
        writer.Line("];");
    }

    static void Requirements(CodeWriter writer, List<IReadOnlyList<Feature>> requirements)
    {
        writer.Line("/// <summary>Feature sets that forms need: low and high word.</summary>");
        writer.Line("public static ReadOnlySpan<ulong> Requirements =>");
        writer.Line("[");
        foreach (IReadOnlyList<Feature> features in requirements)
        {
            ulong low = 0, high = 0;
            foreach (Feature feature in features)
            {
                low |= feature.Index < 64 ? 1UL << feature.Index : 0;
                high |= feature.Index < 64 ? 0 : 1UL << (feature.Index - 64);
            }
            writer.Continue($"0x{low:X}, 0x{high:X}, // {string.Join(" ", features.Select(f => f.Name))}");
        }
        writer.Line("];");
    }

    static void Forms(CodeWriter writer, IReadOnlyList<Form> forms)
    {
        writer.Line("/// <summary>A record for each form (<see cref=\"FormRecord\"/>).</summary>");
        writer.Line("public static ReadOnlySpan<uint> Forms =>");
        writer.Line("[");
        foreach (Form form in forms)
        {
            FormRecord record = FormRecord.Of(form);
            writer.Continue($"0x{record.Properties:X8}, 0x{record.Registers:X6}, 0x{record.Flags:X8}, // {form.Number} {form}");
        }
        writer.Line("];");
    }
}
