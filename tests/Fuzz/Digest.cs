using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FastVcpu.Fuzz.Code;
using FastVcpu.Fuzz.Machines;

namespace FastVcpu.Fuzz;

/// <summary>Hashes of what random code and random machines leave behind, with their coverage: the same on every host, and however the host compiles the engine.</summary>
static class Digest
{
    const long Limit = 2000;

    /// <summary>A line for each kind of code, and one for machines.</summary>
    public static IEnumerable<string> Of(int seed, int cases)
    {
        foreach (CodeKind kind in Enum.GetValues<CodeKind>())
        {
            yield return $"{kind} {OfCode(kind, seed, cases)}";
        }
        yield return $"machines {OfMachines(seed, cases)}";
        yield return $"loop {OfLoop()}";
    }

    static string OfCode(CodeKind kind, int seed, int cases)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using GuestCpu guest = new(kind, CpuModel.Max);
        using CoverageMap coverage = new();
        CaseGenerator generator = new(new InstructionPool(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, CpuModel.Max, seed: 1), kind);
        Random random = new(seed);
        for (int i = 0; i < cases; i++)
        {
            TestCase test = default;
            if (!generator.Next(random).TryBuild(ref test))
            {
                continue;
            }
            coverage.Clear();
            long retired = guest.Run(ref test, cpu =>
            {
                cpu.Coverage = coverage;
                cpu.RandomSeed = 1;
                VcpuExit exit = cpu.Run(Limit);
                return (exit, exit.InstructionsRetired);
            });
            hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<TestCase>(in test)));
            hash.AppendData(BitConverter.GetBytes(retired));
            Append(hash, coverage);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A long run of what hosts without vector instructions compute in another way: nothing of it may pile up on the host's stack.</summary>
    static string OfLoop()
    {
        const ulong Code = 0x10000;
        const uint Rounds = 400_000;
        // mov ecx, Rounds; again: vpermd ymm1, ymm0, ymm1; vpermq ymm0, ymm0, 93h; pmulhw xmm0, xmm2; pshufb xmm2, xmm1; dec ecx; jnz again; int3
        byte[] code =
        [
            0xB9, .. BitConverter.GetBytes(Rounds), 0xC4, 0xE2, 0x7D, 0x36, 0xC9, 0xC4, 0xE3, 0xFD, 0x00, 0xC0, 0x93, 0x66, 0x0F, 0xE5, 0xC2, 0x66, 0x0F, 0x38, 0x00, 0xD1, 0xFF, 0xC9, 0x75, 0xE8, 0xCC,
        ];
        using AddressSpace space = new();
        space.Map(Code, AddressSpace.PageSize, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Code, code);
        using Vcpu cpu = new(CpuModel.Max, space, CodeSize.Bits64);
        for (int i = 0; i < 3; i++)
        {
            new Random(i).NextBytes(cpu.VectorRegister(i)[..32]);
        }
        cpu.Regs.Rip = Code;
        VcpuExit exit = cpu.Run();
        return $"{exit.Vector} {exit.InstructionsRetired} {Convert.ToHexStringLower(cpu.VectorRegister(0)[..32])} {Convert.ToHexStringLower(cpu.VectorRegister(1)[..32])}";
    }

    static string OfMachines(int seed, int cases)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        MachineGenerator generator = new();
        using CoverageMap coverage = new();
        Dictionary<string, RandomMachine> machines = [];
        for (int i = 0; i < cases; i++)
        {
            generator.Make(seed + i, Limit);
            string model = generator.Shape.Model.Name;
            if (!machines.TryGetValue(model, out RandomMachine? machine))
            {
                machines.Add(model, machine = new RandomMachine(generator.Shape.Model));
            }
            machine.Cpu.Coverage = coverage;
            coverage.Clear();
            machine.Run(generator, Limit, static (cpu, most) => cpu.Run(most)).AppendTo(hash);
            Append(hash, coverage);
            machine.Cpu.Coverage = null;
        }
        foreach (RandomMachine machine in machines.Values)
        {
            machine.Dispose();
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static void Append(IncrementalHash hash, CoverageMap coverage)
    {
        hash.AppendData(coverage.Edges);
        foreach (ulong block in coverage.Blocks)
        {
            hash.AppendData(BitConverter.GetBytes(block));
        }
    }
}
