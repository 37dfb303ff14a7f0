using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>Checks the forms against each other.</summary>
static class SpecValidator
{
    public static void Validate(IReadOnlyList<Form> forms, SpecErrors errors)
    {
        HashSet<Form> reachable = new();
        foreach (OpcodeEntry entry in OpcodeEntry.All(forms))
        {
            Form? other = entry.Candidates.Select(c => c.Form).FirstOrDefault(f => f.Encoding.HasModrm != entry.HasModrm);
            if (other != null)
            {
                errors.Add(other.Row.Place, $"{other}: other rows of this opcode differ in having a ModRM byte ({entry.Candidates[0].Form.Row.Place})");
            }
            Form? exact = entry.Candidates.Select(c => c.Form).FirstOrDefault(f => f.IgnoresMod != entry.IgnoresMod);
            if (exact != null)
            {
                errors.Add(exact.Row.Place, $"{exact}: all rows of an opcode have `anymod`, or none ({entry.Candidates[0].Form.Row.Place})");
            }
            Overlaps(entry, errors);
            Reach(entry, reachable);
        }
        foreach (Form form in forms.Where(f => !reachable.Contains(f)))
        {
            errors.Add(form.Row.Place, $"{form}: other rows win wherever this one matches");
        }
    }

    static void Overlaps(OpcodeEntry entry, SpecErrors errors)
    {
        HashSet<Row> reported = new();
        for (int i = 0; i < entry.Candidates.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                Candidate a = entry.Candidates[j], b = entry.Candidates[i];
                if (a.Form != b.Form && a.Pattern.Rank == b.Pattern.Rank && !Refines(a.Form, b.Form) && a.Pattern.Overlaps(b.Pattern) && reported.Add(b.Form.Row))
                {
                    errors.Add(b.Form.Row.Place, $"{b.Form} overlaps {a.Form} ({a.Form.Row.Place})");
                }
            }
        }
    }

    /// <summary>The first, which comes before the second, needs all features of that and others: it wins where they are.</summary>
    static bool Refines(Form first, Form second) =>
        first.Features.Count > second.Features.Count && second.Features.All(first.Features.Contains);

    /// <summary>Adds the forms that win in some context, on some CPU. One that lacks a feature of a winner gives way to the next.</summary>
    static void Reach(OpcodeEntry entry, HashSet<Form> reachable)
    {
        uint mask = entry.Mask;
        for (uint context = 0; ; context = (context - mask) & mask)
        {
            List<Candidate> earlier = new();
            foreach (Candidate candidate in entry.Candidates.Where(c => c.Pattern.Matches(context)))
            {
                if (!earlier.Any(e => e.Form.Features.All(candidate.Form.Features.Contains)))
                {
                    reachable.Add(candidate.Form);
                }
                earlier.Add(candidate);
            }
            if (context == mask)
            {
                return;
            }
        }
    }
}
