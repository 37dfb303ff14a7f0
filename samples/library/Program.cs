using FastVcpu;
using FastVcpu.Fuzzing;
using FastVcpu.Linux;

// Fuzzes uncompress() of zlib as Debian has it: no source, no recompilation. Arguments: number of runs, path of the library.
const ulong Input = 0x1000_0000, Output = 0x2000_0000, OutputSize = 64 << 10, Length = 0x3000_0000, End = 0x4000_0000;
int runs = args.Length > 0 ? int.Parse(args[0]) : 200_000;
string library = args.Length > 1 ? args[1] : "/lib/x86_64-linux-gnu/libz.so.1";

// Any program that the loader gives the library to, stopped at its own first instruction.
LinuxOptions options = new() { Environment = ["LD_PRELOAD=" + library, "LD_BIND_NOW=1"], CpuModel = CpuModel.Max };
using FrozenProgram program = new("/bin/true", options, FrozenProgram.EntryPoint);
Vcpu cpu = program.Cpu;
AddressSpace space = cpu.Space!;
foreach (ulong address in new[] { Input, Output, Length })
{
    space.Map(address, OutputSize, PagePermissions.Read | PagePermissions.Write);
}
cpu.Regs.Rip = program.FindSymbol("uncompress") ?? throw new InvalidOperationException($"{library} has no uncompress.");
cpu.Regs.Rsp -= 8;
space.Write(cpu.Regs.Rsp, End);
space.Write(Length, OutputSize);
(cpu.Regs.Rdi, cpu.Regs.Rsi, cpu.Regs.Rdx) = (Output, Length, Input);

using CoverageMap coverage = new();
cpu.Coverage = coverage;
using Harness harness = new(cpu)
{
    EndAddress = End,
    OnExit = (Vcpu _, in VcpuExit exit) => program.Serve(exit),
    Inject = (cpu, input) =>
    {
        program.Begin([]);
        space.Write(Input, input);
        cpu.Regs.Rcx = (ulong)input.Length;
    },
};
Random random = new(1);
List<byte[]> corpus = [[0x78, 0x9C, 0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x05, 0x8C, 0x01, 0xF5]];
HashSet<(int, int)> seen = [];
HashSet<string> buckets = [];
for (int run = 0; run < runs; run++)
{
    byte[] input = [.. corpus[random.Next(corpus.Count)]];
    for (int changes = run < corpus.Count ? 0 : random.Next(1, 4); changes > 0; changes--)
    {
        input[random.Next(input.Length)] ^= (byte)(1 << random.Next(8));
    }
    coverage.Clear();
    FuzzResult result = harness.Run(input);
    if (result.Outcome != FuzzOutcome.Done && buckets.Add(result.Bucket))
    {
        Console.WriteLine($"{result.Bucket}: {Convert.ToHexString(input)}");
    }
    int before = seen.Count;
    for (int edge = 0; edge < coverage.Size; edge++)
    {
        if (coverage.Edges[edge] != 0)
        {
            seen.Add((edge, int.Log2(coverage.Edges[edge])));
        }
    }
    if (seen.Count > before && run > 0)
    {
        corpus.Add(input);
    }
}
Console.WriteLine($"{runs} runs, {corpus.Count} inputs, {seen.Count} edges and counts, {buckets.Count} kinds of crashes");
