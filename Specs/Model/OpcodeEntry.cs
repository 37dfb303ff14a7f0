using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>A form in one of its patterns.</summary>
public readonly struct Candidate
{
    public Candidate(Form form, DecodePattern pattern)
    {
        Form = form;
        Pattern = pattern;
    }

    public Form Form { get; }
    public DecodePattern Pattern { get; }
}

/// <summary>An opcode of a map with the forms that it may be, the most specific first.</summary>
public sealed class OpcodeEntry
{
    OpcodeEntry(OpcodeMap map, byte opcode, IReadOnlyList<Candidate> candidates)
    {
        Map = map;
        Opcode = opcode;
        Candidates = candidates;
    }

    public OpcodeMap Map { get; }
    public byte Opcode { get; }
    public IReadOnlyList<Candidate> Candidates { get; }
    public bool HasModrm => Candidates[0].Form.Encoding.HasModrm;

    public bool IgnoresMod => Candidates[0].Form.IgnoresMod;

    /// <summary>The bits of the context that the choice depends on.</summary>
    public uint Mask => Candidates.Aggregate(0u, (mask, c) => mask | c.Pattern.Mask);

    /// <summary>The opcodes that occur, in order.</summary>
    public static IReadOnlyList<OpcodeEntry> All(IEnumerable<Form> forms) => forms
        .SelectMany(f => Enumerable.Range(f.Opcode, f.OpcodeCount).SelectMany(o => f.Patterns.Select(p => (Opcode: (byte)o, Candidate: new Candidate(f, p)))))
        .GroupBy(c => (c.Candidate.Form.Encoding.Map, c.Opcode))
        .OrderBy(g => g.Key.Map).ThenBy(g => g.Key.Opcode)
        .Select(g => new OpcodeEntry(g.Key.Map, g.Key.Opcode, g.Select(c => c.Candidate).OrderByDescending(c => c.Pattern.Rank).ThenByDescending(c => c.Form.Features.Count).ThenBy(c => c.Form.Number).ToList()))
        .ToList();
}
