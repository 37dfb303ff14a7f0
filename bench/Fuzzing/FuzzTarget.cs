using System.Diagnostics;
using FastVcpu.Fuzzing;

namespace FastVcpu.Bench.Fuzzing;

/// <summary>A flat target with one input in the harness, as <c>unicorn-fuzz.c</c> has it: the same addresses, the same map, cleared before each run.</summary>
static class FuzzTarget
{
    const ulong Code = 0x400000, Data = 0x800000, Stack = 0x7000000, StackSize = 1 << 20, Return = 0x7FFF0000;
    const int CodeSize = 1 << 16, DataSize = 1 << 16;

    /// <summary>Runs the target so often; prints the result of the last run, the edges it counted and the runs a second of CPU time.</summary>
    public static void Print(string file, string input, int runs)
    {
        byte[] bytes = File.ReadAllBytes(input);
        using AddressSpace space = new();
        space.Map(Code, CodeSize, PagePermissions.Read | PagePermissions.Execute);
        space.Map(Data, DataSize, PagePermissions.Read | PagePermissions.Write);
        space.Map(Stack, StackSize, PagePermissions.Read | PagePermissions.Write);
        space.Write(Code, File.ReadAllBytes(file));
        using Vcpu cpu = new(CpuModel.Max, space, FastVcpu.CodeSize.Bits64, new InstructionClock()) { RandomSeed = 1 };
        using CoverageMap coverage = new() { RecordsBlocks = false };
        cpu.Coverage = coverage;
        cpu.Regs.Rip = Code;
        cpu.Regs.Rsp = Stack + StackSize / 2 - 8;
        space.Write(cpu.Regs.Rsp, Return);
        using Harness harness = new(cpu)
        {
            EndAddress = Return,
            Inject = (cpu, input) =>
            {
                space.Write(Data, input);
                cpu.Regs.Rdi = Data;
                cpu.Regs.Rsi = (ulong)input.Length;
            },
        };
        FuzzResult result = default;
        TimeSpan start = default;
        // Code gets faster in steps; the last one is after some ten thousand entries of a block.
        for (int i = -Math.Max(runs / 5, 30_000); i < runs; i++)
        {
            if (i == 0)
            {
                start = Process.GetCurrentProcess().TotalProcessorTime;
            }
            coverage.Clear();
            result = harness.Run(bytes);
        }
        TimeSpan time = Process.GetCurrentProcess().TotalProcessorTime - start;
        int edges = coverage.Edges.Length - coverage.Edges.Count((byte)0);
        Console.WriteLine($"{(uint)cpu.Regs.Rax:x8} {edges} {runs / time.TotalSeconds:F0} {result.Instructions}");
    }
}
