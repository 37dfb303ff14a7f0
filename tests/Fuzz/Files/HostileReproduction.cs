using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FastVcpu.Cli;
using FastVcpu.Cli.Fuzzing;
using FastVcpu.Cli.Input;

namespace FastVcpu.Fuzz.Files;

/// <summary>
/// Damaged reproduction files of flat binaries, programs, and snapshots of machines and programs, which are run as <c>fastvcpu replay</c> does; what they name is sometimes damaged, too. How long an input
/// may take stands in the file; here it is no longer than a moment.
/// </summary>
sealed partial class HostileReproduction : HostileFile
{
    const long Instructions = 20_000;

    /// <summary>Reads through the input: movzx eax, [rdi]; add; inc rdi; dec rsi; jnz; ret.</summary>
    static readonly byte[] flat = [0x48, 0x85, 0xF6, 0x74, 0x0B, 0x0F, 0xB6, 0x07, 0x48, 0xFF, 0xC7, 0x48, 0xFF, 0xCE, 0x75, 0xF5, 0xC3];

    readonly GuestRoot root = new();
    readonly string path;
    readonly byte[] programSnapshot, machineSnapshot = SmallGuests.MachineSnapshot();

    public HostileReproduction()
    {
        path = root.Put("reproduction", []);
        root.Put("program", SmallGuests.Program);
        programSnapshot = SmallGuests.ProgramSnapshot("/program", root.Options, 500);
    }

    public override string Take(Random random)
    {
        TargetDescription target = random.Next(4) switch
        {
            0 => OfFile(SmallGuests.Program, SmallGuests.Program.Length, random),
            1 => OfFile(machineSnapshot, machineSnapshot.Length, random) with { IsSnapshot = true, Bits = 32, Entry = SmallGuests.Function, CrashAddresses = [0x100000] },
            2 => OfFile(programSnapshot, programSnapshot.Length, random) with { IsSnapshot = true },
            _ => OfFlatBinary(random),
        };
        Reproduction reproduction = new() { Target = target, Input = [1, 2, 3, 4], Bucket = "", Instructions = 20 };
        string text = JsonSerializer.Serialize(reproduction, ReproductionJson.Default.Reproduction);
        File.WriteAllBytes(path, random.Next(16) == 0 ? Mutation.OfText(text, random) : Encoding.Latin1.GetBytes(Damage(text, random)));
        try
        {
            Reproduction read = Reproduction.Load(path);
            target = read.Target with { Limit = Math.Min(read.Target.Limit, Instructions) };
            if (!target.IsFlat && TargetDescription.Hash(InputFile.Read(target.File, TargetDescription.LargestFile)) != target.Sha256)
            {
                return "another program";
            }
            using FuzzSession session = new(target, Instructions);
            using CoverageMap coverage = new();
            session.Harness.Cpu.Coverage = coverage;
            session.Harness.RunAndLocate(read.Input);
            _ = session.OtherFiles(target).Count();
            return target.IsFlat ? "ran" : target.IsSnapshot ? "snapshot ran" : "program ran";
        }
        catch (InputException error)
        {
            return Refused(error);
        }
    }

    public override void Dispose() => root.Dispose();

    TargetDescription OfFile(byte[] content, int headers, Random random)
    {
        content = random.Next(4) == 0 ? Mutation.OfBytes(content, headers, random) : content;
        return new TargetDescription
        {
            File = root.Put("target", content),
            Sha256 = TargetDescription.Hash(content),
            WorkingDirectory = root.Path,
            Files = [new FileHash("/etc/passwd", null)],
            Arguments = ["a"],
            Environment = ["B=c"],
            Cpu = "max",
            Limit = Instructions,
        };
    }

    static TargetDescription OfFlatBinary(Random random)
    {
        byte[] content = random.Next(3) == 0 ? Mutation.OfBytes(flat, flat.Length, random) : flat;
        return new TargetDescription
        {
            File = "flat",
            Content = content,
            Sha256 = TargetDescription.Hash(content),
            Base = 0x400000,
            Bits = random.Next(4) == 0 ? 32 : 64,
            Entry = 0x400000,
            Maps = ["0x800000:64K", "0x900000:4K"],
            Cpu = "max",
            Limit = Instructions,
        };
    }

    /// <summary>Damages one value, so that the rest remains what can be read.</summary>
    static string Damage(string text, Random random)
    {
        MatchCollection values = Value().Matches(text);
        Match value = values[random.Next(values.Count)];
        string damaged = Encoding.Latin1.GetString(Mutation.OfText(value.Value, random)).Replace("\n", "", StringComparison.Ordinal);
        return text[..value.Index] + damaged + text[(value.Index + value.Length)..];
    }

    [GeneratedRegex("(?<=: )[^\\n,]+|(?<=^ +)\"[^\"\\n]*\"(?=,?$)", RegexOptions.Multiline)]
    private static partial Regex Value();
}
