using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>
/// Settles by the host's CPU who is right where Unicorn differs: runs single instructions that are not compared with it, and cases that may end differently, here, there and on the host.
/// </summary>
sealed class UnicornAudit : IDisposable
{
    readonly CodeKind kind;
    readonly UnicornCpu unicorn;
    readonly HostCpu host;
    readonly GuestCpu guest;
    readonly CaseGenerator others, usable;
    readonly int bits;
    readonly Dictionary<string, Count> counts = [];

    public UnicornAudit(CodeKind kind, CpuModel model, UnicornCpu unicorn, HostCpu host)
    {
        this.kind = kind;
        this.unicorn = unicorn;
        this.host = host;
        bits = kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 };
        guest = new GuestCpu(kind, model);
        others = new CaseGenerator(new InstructionPool(bits, model, seed: 1, unicorn, isOfOthers: true), kind, isTame: true);
        usable = new CaseGenerator(new InstructionPool(bits, model, seed: 1, unicorn), kind);
    }

    /// <summary>What has been seen of each reason.</summary>
    public IReadOnlyDictionary<string, Count> Counts => counts;

    /// <summary>Runs a batch. The results are cases in which the host's CPU differs from this one.</summary>
    public IEnumerable<string> RunBatch(int seed)
    {
        Random random = new(seed);
        bool isOfOthers = (seed & 1) == 0;
        Recipe[] recipes = new Recipe[ReferenceCpu.Capacity];
        TestCase[] cases = new TestCase[recipes.Length];
        for (int i = 0; i < recipes.Length; i++)
        {
            do
            {
                recipes[i] = usable.Next(random);
                if (isOfOthers)
                {
                    // Behind a few that are compared: what it does with their flags is a part of it.
                    recipes[i] = recipes[i] with { Pieces = [.. recipes[i].Pieces.Take(random.Next(4)), others.Next(random).Pieces[0]], Rounds = 1 };
                }
            }
            while ((isOfOthers && IsFrequent(OfInstruction(recipes[i])) && random.Next(20) != 0) || !recipes[i].TryBuild(ref cases[i]));
            unicorn.Shape(ref cases[i]);
        }
        TestCase[] there = unicorn.Run(cases), right = host.Run(cases);
        for (int i = 0; i < cases.Length; i++)
        {
            TestCase here = cases[i];
            guest.Run(ref here, cpu => cpu.Run(GuestCpu.Limit) is var exit ? (exit, exit.InstructionsRetired) : default);
            const int MxcsrHigh = 26, MisalignedMode = 2;
            bool isOwn = !((ReadOnlySpan<byte>)cases[i].Code).SequenceEqual(right[i].Code) || ((here.State.Fx[MxcsrHigh] | right[i].State.Fx[MxcsrHigh]) & MisalignedMode) != 0;
            string? reason = UnicornDifferences.Of(kind, cases[i].Code, here.State, there[i].State);
            if (isOfOthers)
            {
                reason = reason == null ? OfInstruction(recipes[i]) : null;
            }
            if (reason == null || isOwn || here.State.Vector == MachineState.EndedByLimit)
            {
                continue;
            }
            Count count = counts.GetValueOrDefault(reason);
            unicorn.Complete(here.State, ref there[i].State);
            bool differs = Comparison.Differences(kind, here, there[i], isExact: false).Length > 0;
            string open = Comparison.Differences(kind, here, right[i], isExact: false);
            counts[reason] = new Count(count.Cases + 1, count.Different + (differs ? 1 : 0), count.Settled + (differs && open.Length == 0 ? 1 : 0));
            if (open.Length > 0)
            {
                yield return $"{kind}, {reason}: {string.Join(' ', recipes[i].Pieces.Select(piece => Convert.ToHexStringLower(piece.Bytes)))}\n{open}";
            }
        }
    }

    public void Dispose() => guest.Dispose();

    static bool IsFrequent(string reason) => reason == UnicornDifferences.OtherPrefixes || reason.EndsWith(UnicornDifferences.NotTranslated, StringComparison.Ordinal);

    string OfInstruction(Recipe recipe)
    {
        byte[] bytes = recipe.Pieces[^1].Instruction;
        Decoder decoder = Decoder.Create(bits, bytes, DecoderOptions.AMD);
        decoder.Decode(out Instruction instruction);
        return unicorn.WhyUnusable(instruction, bytes, bits)!;
    }

    /// <summary>What has been seen of a reason.</summary>
    /// <param name="Cases">Cases that have it.</param>
    /// <param name="Different">Of these, those that Unicorn ended differently.</param>
    /// <param name="Settled">Of these, those that the host's CPU ended as this one.</param>
    public readonly record struct Count(long Cases, long Different, long Settled);
}
