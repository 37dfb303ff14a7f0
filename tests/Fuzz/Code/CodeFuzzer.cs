using System.Text;
using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>Runs random code in every way the engine has, and on a reference – the host's CPU, Unicorn – where that is possible; all must end in the same state.</summary>
sealed class CodeFuzzer : IDisposable
{
    const int CasesForOneWithReturn = 200;

    readonly CodeKind kind;
    readonly InstructionPool pool;
    readonly CaseGenerator generator;
    readonly GuestCpu guest;
    readonly ReferenceCpu? host;
    readonly HostCpu? judge;
    readonly (string Name, Func<Vcpu, (VcpuExit, long)> Run)[] ways;
    readonly Random chunks = new(1);
    readonly Dictionary<string, long> leftOut = [];

    /// <summary>Makes a fuzzer.</summary>
    /// <param name="kind">What kind of code.</param>
    /// <param name="model">The virtual CPU's model.</param>
    /// <param name="host">The reference, if there is one.</param>
    /// <param name="judge">Settles who is right where the reference differs.</param>
    public CodeFuzzer(CodeKind kind, CpuModel model, ReferenceCpu? host, HostCpu? judge = null)
    {
        this.kind = kind;
        this.host = host;
        this.judge = judge;
        pool = new InstructionPool(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, model, seed: 1, host);
        generator = new CaseGenerator(pool, kind, isTame: host is { ChecksAddresses: false });
        guest = new GuestCpu(kind, model);
        ways = host is { IsForAllWays: false } ? [] : [("one by one", RunOneByOne), ("careful", RunWatched), ("in pieces", RunInPieces)];
    }

    /// <summary>Cases run.</summary>
    public long Cases { get; private set; }

    /// <summary>Cases whose end is the same as the reference's; the others are of those that may differ.</summary>
    public long Compared { get; private set; }

    /// <summary>Reasons for which cases were not compared, and how many cases.</summary>
    public IReadOnlyDictionary<string, long> LeftOut => leftOut;

    /// <summary>Instructions that they have retired, in all ways together.</summary>
    public long Instructions { get; private set; }

    /// <summary>Runs a batch of cases. Each finding is a text that tells all about a case that has been made small.</summary>
    public IEnumerable<string> RunBatch(int seed)
    {
        Random random = new(seed);
        Recipe[] recipes = new Recipe[ReferenceCpu.Capacity];
        TestCase[] cases = new TestCase[recipes.Length];
        for (int i = 0; i < recipes.Length; i++)
        {
            do
            {
                recipes[i] = generator.Next(random);
            }
            while (!TryBuild(recipes[i], ref cases[i]));
        }
        TestCase[]? expected = host?.Run(cases);
        for (int i = 0; i < recipes.Length; i++)
        {
            string? found = Check(cases[i], expected?[i], out string way);
            if (found != null)
            {
                yield return Describe(Reduce(recipes[i], way), way, found);
            }
        }
    }

    public void Dispose() => guest.Dispose();

    bool TryBuild(Recipe recipe, ref TestCase test)
    {
        bool fits = recipe.TryBuild(ref test);
        host?.Shape(ref test);
        return fits;
    }

    /// <summary>The differences, or null.</summary>
    string? Check(in TestCase test, TestCase? expected, out string way, string? onlyWay = null)
    {
        Cases++;
        TestCase blocks = test;
        long retired = guest.Run(ref blocks, RunBlocks);
        Instructions += retired;
        way = host?.Name ?? "";
        if (expected is { } there && (onlyWay == null || onlyWay == way) && AsLongAs(there, test, blocks) is var here)
        {
            if (WhyIncomparable(test, here, there) is { } reason)
            {
                LeaveOut(reason);
            }
            else
            {
                host!.Complete(here.State, ref there.State);
                string differences = Comparison.Differences(kind, here, there, isExact: false);
                if (differences.Length == 0 || EntersTheMiddle(test))
                {
                    Compared++;
                }
                else if (judge != null && Comparison.Differences(kind, here, judge.Run([test])[0], isExact: false).Length == 0)
                {
                    LeaveOut("the host's CPU ends as this one");
                }
                else
                {
                    return differences;
                }
            }
        }
        foreach ((string name, Func<Vcpu, (VcpuExit, long)> run) in ways)
        {
            if (onlyWay != null && onlyWay != name)
            {
                continue;
            }
            way = name;
            TestCase other = test;
            long otherRetired = guest.Run(ref other, run);
            Instructions += otherRetired;
            string text = Comparison.Differences(kind, blocks, other, isExact: true) + (otherRetired != retired ? $"  retired: {retired}, reference {otherRetired}\n" : "");
            if (text.Length > 0 && !IsRandom(test, blocks, other))
            {
                return text;
            }
        }
        return null;
    }

    void LeaveOut(string reason) => leftOut[reason] = leftOut.GetValueOrDefault(reason) + 1;

    /// <summary>The end of a case; of one that has run on, while the reference has come to an end, that of a longer run.</summary>
    TestCase AsLongAs(in TestCase there, in TestCase test, in TestCase here)
    {
        if (here.State.Vector != MachineState.EndedByLimit || there.State.Vector is MachineState.EndedByLimit or MachineState.EndedByTimer)
        {
            return here;
        }
        TestCase longer = test;
        guest.Run(ref longer, RunLong);
        return longer;
    }

    /// <summary>
    /// Code that has changed itself may hold anything that the pool leaves out. With MXCSR.MM this vendor's CPUs forgive misaligned operands.
    /// </summary>
    string? WhyIncomparable(in TestCase test, in TestCase here, in TestCase there)
    {
        const int MxcsrHigh = 26, MisalignedMode = 2;
        ReadOnlySpan<byte> before = test.Code;
        return ((there.State.Fx[MxcsrHigh] | here.State.Fx[MxcsrHigh]) & MisalignedMode) != 0 ? "MXCSR.MM"
            : !before.SequenceEqual(here.Code) || !before.SequenceEqual(there.Code) ? "code that has changed itself"
            : host!.WhyKnown(kind, before, here.State, there.State);
    }

    /// <summary>
    /// A branch has led into the middle of an instruction. What is executed there is not of the pool, and nothing behind it hides what it leaves undefined.
    /// </summary>
    bool EntersTheMiddle(in TestCase test)
    {
        ulong start = kind == CodeKind.Segmented16 ? 0 : TestCase.CodeStart;
        HashSet<ulong> places = [];
        Iced.Intel.Decoder decoder = Decoder(((ReadOnlySpan<byte>)test.Code).ToArray());
        decoder.IP = start;
        while (decoder.IP - start < TestCase.CodeSize)
        {
            places.Add(decoder.IP);
            decoder.Decode(out _);
        }
        bool enters = false;
        TestCase again = test;
        guest.Run(ref again, cpu => RunLimited(cpu, () =>
        {
            enters |= cpu.Regs.Rip - start < TestCase.CodeSize && !places.Contains(cpu.Regs.Rip);
            return 1;
        }));
        return enters;
    }

    Iced.Intel.Decoder Decoder(byte[] code) =>
        Iced.Intel.Decoder.Create(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, new ByteArrayCodeReader(code), DecoderOptions.AMD);

    /// <summary>Code that has changed itself may have become an instruction whose result comes from outside.</summary>
    bool IsRandom(in TestCase test, in TestCase one, in TestCase other)
    {
        ReadOnlySpan<byte> before = test.Code;
        return (!before.SequenceEqual(one.Code) || !before.SequenceEqual(other.Code)) && (pool.HasExcluded(one.Code) || pool.HasExcluded(other.Code));
    }

    string? Check(Recipe recipe, string way)
    {
        TestCase test = default;
        if (!TryBuild(recipe, ref test))
        {
            return null;
        }
        return Check(test, host?.Run([test])[0], out _, way);
    }

    /// <summary>Takes away what the difference does not need.</summary>
    Recipe Reduce(Recipe recipe, string way)
    {
        if (recipe.Rounds > 1 && Check(recipe with { Rounds = 1 }, way) != null)
        {
            recipe = recipe with { Rounds = 1 };
        }
        for (int size = Math.Max(1, recipe.Pieces.Length / 2); size > 0; size /= 2)
        {
            for (int at = recipe.Pieces.Length - size; at >= 0; at -= size)
            {
                Recipe smaller = recipe with { Pieces = [.. recipe.Pieces[..at], .. recipe.Pieces[Math.Min(at + size, recipe.Pieces.Length)..]] };
                if (Check(smaller, way) != null)
                {
                    recipe = smaller;
                    at = Math.Min(at, recipe.Pieces.Length);
                }
            }
        }
        return recipe;
    }

    string Describe(Recipe recipe, string way, string first)
    {
        StringBuilder text = new();
        text.Append($"{kind}, against {way}, state {recipe.Seed}, {recipe.Rounds} rounds\n");
        TestCase test = default;
        TryBuild(recipe, ref test);
        byte[] code = ((ReadOnlySpan<byte>)test.Code)[..recipe.Pieces.Sum(piece => piece.Bytes.Length)].ToArray();
        Iced.Intel.Decoder decoder = Decoder(code);
        decoder.IP = test.State.Rip;
        NasmFormatter formatter = new();
        StringOutput output = new();
        int at = 0;
        while (at < code.Length)
        {
            decoder.Decode(out Instruction instruction);
            formatter.Format(instruction, output);
            text.Append($"    {test.State.Rip + (ulong)at:x}: {Convert.ToHexStringLower(code, at, instruction.Length)}  {output.ToStringAndReset()}\n");
            at += instruction.Length;
        }
        text.Append($"  begins with mxcsr {BitConverter.ToUInt32(((ReadOnlySpan<byte>)test.State.Fx)[24..]):x}, rflags {test.State.Rflags:x}, rsi {test.State.Gpr[6]:x}, rdi {test.State.Gpr[7]:x}, rbp {test.State.Gpr[5]:x}\n");
        TestCase here = test;
        guest.Run(ref here, RunBlocks);
        text.Append($"  ends with vector {here.State.Vector} at {here.State.Rip:x}, cr2 {here.State.Address:x}\n");
        return text.Append(Check(recipe, way) ?? $"  Does not show again; at first:\n{first}").ToString();
    }

    static (VcpuExit, long) RunBlocks(Vcpu cpu)
    {
        VcpuExit exit = cpu.Run(GuestCpu.Limit);
        return (exit, exit.InstructionsRetired);
    }

    static (VcpuExit, long) RunLong(Vcpu cpu)
    {
        VcpuExit exit = cpu.Run(GuestCpu.LongLimit);
        return (exit, exit.InstructionsRetired);
    }

    static (VcpuExit, long) RunOneByOne(Vcpu cpu) => RunLimited(cpu, () => 1);

    /// <summary>Some of the cases go on a little from a random point and come back to it. That is slow, so most do not.</summary>
    (VcpuExit, long) RunInPieces(Vcpu cpu) =>
        chunks.Next(CasesForOneWithReturn) == 0 ? RunWithReturn(cpu) : RunLimited(cpu, () => 1 + chunks.Next(20));

    (VcpuExit, long) RunWithReturn(Vcpu cpu)
    {
        const int Longest = 300;
        int pieces = 0;
        return RunLimited(cpu, () =>
        {
            if (pieces++ == 0)
            {
                return 1 + chunks.Next(Longest);
            }
            using AddressSpaceSnapshot memory = cpu.Space!.TakeSnapshot();
            VcpuState state = cpu.SaveState();
            cpu.Run(chunks.Next(Longest));
            cpu.Space.Restore(memory);
            cpu.RestoreState(state);
            return GuestCpu.Limit;
        });
    }

    static (VcpuExit, long) RunLimited(Vcpu cpu, Func<long> next)
    {
        long retired = 0;
        while (true)
        {
            VcpuExit exit = cpu.Run(Math.Min(next(), GuestCpu.Limit - retired));
            retired += exit.InstructionsRetired;
            if (exit.Reason != ExitReason.InstructionLimit || retired == GuestCpu.Limit)
            {
                return (exit, retired);
            }
        }
    }

    /// <summary>Pages with a watched byte are in no TLB, so every access goes the careful way.</summary>
    static (VcpuExit, long) RunWatched(Vcpu cpu)
    {
        DebugRegisters watch = DebugRegisters.Reset.With(0, TestCase.DataStart + 0x123, BreakpointType.ReadWrite)
            .With(1, TestCase.DataStart + 0x1123, BreakpointType.ReadWrite).With(2, TestCase.StackStart + 0x7F3, BreakpointType.ReadWrite);
        cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, watch);
        long retired = 0;
        VcpuExit exit;
        do
        {
            exit = cpu.Run(GuestCpu.Limit - retired);
            retired += exit.InstructionsRetired;
        }
        while (exit.Reason == ExitReason.Debug);
        cpu.SetGuestDebug(GuestDebugFlags.None);
        return (exit, retired);
    }
}
