using FastVcpu.Fuzzing;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>Coverage tells which blocks ran, and a harness what became of an input; both the same in every run.</summary>
public sealed class CoverageTests
{
    const ulong EndAddress = 0x7FFF0000;

    [Fact]
    public void BlocksAndEdgesAreThoseThatRan()
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label skip = c.CreateLabel(), end = c.CreateLabel();
            c.test(eax, eax);
            c.je(skip);
            c.inc(ebx);
            c.jmp(end);
            c.Label(ref skip);
            c.dec(ebx);
            c.Label(ref end);
            c.nop();
        });
        using CoverageMap coverage = new();
        guest.Cpu.Coverage = coverage;
        (string Edges, ulong[] Blocks)[] seen = [.. new ulong[] { 0, 1, 0, 1 }.Select(eax =>
        {
            coverage.Clear();
            guest.Rewind();
            guest.Regs.Rax = eax;
            guest.RunToEnd();
            return (Convert.ToHexString(coverage.Edges), coverage.Blocks.ToArray());
        })];
        Assert.Equal((seen[0].Edges, seen[1].Edges), (seen[2].Edges, seen[3].Edges));
        Assert.Equal(seen[0].Blocks, seen[2].Blocks);
        Assert.Equal(seen[1].Blocks, seen[3].Blocks);
        Assert.NotEqual(seen[0].Edges, seen[1].Edges);
        Assert.Equal(Guest.Code, seen[0].Blocks[0]);
        Assert.Equal([1, 2], seen.Take(2).Select(s => s.Blocks.Except(seen[0].Blocks.Intersect(seen[1].Blocks)).Count()));
        guest.Cpu.Coverage = null;
        Assert.Equal(seen[3].Blocks, coverage.Blocks);
    }

    [Fact]
    public void AnEdgeThatIsTakenIsNeverZero()
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label loop = c.CreateLabel();
            c.mov(ecx, 1000);
            c.Label(ref loop);
            c.dec(ecx);
            c.jne(loop);
        });
        using CoverageMap coverage = new();
        guest.Cpu.Coverage = coverage;
        foreach (int count in new[] { 257, 512, 1000 })
        {
            coverage.Clear();
            guest.Rewind();
            guest.Space.Write(Guest.Code + 1, count);
            guest.RunToEnd();
            Assert.Equal(4, coverage.Edges.ToArray().Count(edge => edge != 0));
        }
        coverage.Clear();
        Assert.False(coverage.Edges.ContainsAnyExcept((byte)0));
    }

    /// <summary>Cold, warm and hot; the counters overflow in between.</summary>
    [Fact]
    public void AMapOfEdgesOnlyHasTheSameEdges()
    {
        string[] edges = [.. new[] { true, false }.Select(recordsBlocks =>
        {
            using Guest guest = new(64, c =>
            {
                Iced.Intel.Label loop = c.CreateLabel(), even = c.CreateLabel();
                c.mov(ecx, 3000);
                c.Label(ref loop);
                c.add(eax, ecx);
                c.test(al, 2);
                c.je(even);
                c.lea(rax, __[rax + rcx * 2 + 3]);
                c.Label(ref even);
                c.dec(ecx);
                c.jne(loop);
            });
            using CoverageMap coverage = new() { RecordsBlocks = recordsBlocks };
            (guest.Cpu.Blocks.HotCount, guest.Cpu.Blocks.WaitsForFusion) = (500, true);
            guest.Cpu.Coverage = coverage;
            string result = "";
            for (int round = 0; round < 3; round++)
            {
                coverage.Clear();
                guest.Rewind();
                guest.RunToEnd();
                result += Convert.ToHexString(coverage.Edges);
                Assert.Equal(recordsBlocks, Record.Exception(() => coverage.Blocks) == null);
            }
            return result;
        })];
        Assert.Equal(edges[0], edges[1]);
    }

    [Fact]
    public void AMapOutlivesItsCpu()
    {
        using CoverageMap coverage = new();
        for (int round = 0; round < 2; round++)
        {
            using (Guest guest = new(64, [0x90]))
            {
                guest.Cpu.Coverage = coverage;
                guest.RunToEnd();
            }
            Assert.Equal([Guest.Code], coverage.Blocks);
        }
    }

    [Fact]
    public void CpusThatTakeTurnsShareAMapAndALog()
    {
        using AddressSpace space = new();
        space.Map(0x1000, 0x1000, PagePermissions.Read | PagePermissions.Execute);
        // cmp eax, 1; jmp to itself
        space.Write(0x1000, [0x83, 0xF8, 0x01, 0xEB, 0xFB]);
        InstructionClock clock = new();
        using Vcpu one = new(CpuModel.Max, space, CodeSize.Bits64, clock), another = new(CpuModel.Max, space, CodeSize.Bits64, clock), foreign = new(CpuModel.Max, space, CodeSize.Bits64, new InstructionClock());
        using CoverageMap coverage = new();
        CompareLog log = new();
        foreach (Vcpu cpu in new[] { one, another })
        {
            (cpu.Coverage, cpu.CompareLog) = (coverage, log);
            cpu.Regs.Rip = 0x1000;
        }
        Assert.Throws<ArgumentException>(() => foreign.Coverage = coverage);
        Assert.Throws<ArgumentException>(() => foreign.CompareLog = log);
        one.Run(100);
        byte[] edges = coverage.Edges.ToArray();
        int comparisons = log.Count;
        coverage.Clear();
        log.Clear();
        one.Run(0);
        another.Run(100);
        Assert.Equal(edges, coverage.Edges.ToArray());
        Assert.Equal(comparisons, log.Count);
        another.Dispose();
        Assert.Equal([0x1000UL], coverage.Blocks);
        coverage.Clear();
        Assert.True(coverage.Edges.IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void ResultsAndCoverageDependOnTheInputOnly()
    {
        // The target reads time and random numbers, changes its own code, and then does what the input says.
        byte[] code = Guest.Assemble(64, c =>
        {
            Iced.Intel.Label crash = c.CreateLabel(), hang = c.CreateLabel(), end = c.CreateLabel();
            c.rdtsc();
            c.rdrand(rbx);
            c.add(rbx, rax);
            c.inc(__dword_ptr[Guest.Data + 0x100]);
            c.cmp(__dword_ptr[rdi], 0x41);
            c.je(crash);
            c.cmp(__dword_ptr[rdi], 0x42);
            c.je(hang);
            c.jmp(end);
            c.Label(ref crash);
            c.mov(__dword_ptr[0x99], eax);
            c.Label(ref hang);
            c.jmp(hang);
            c.Label(ref end);
            c.ret();
        });
        using AddressSpace space = new();
        space.Map(Guest.Code, (ulong)code.Length, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Guest.Code, code);
        space.Map(Guest.Data, Guest.DataSize, PagePermissions.Read | PagePermissions.Write);
        using Vcpu cpu = new(CpuModel.Max, space, CodeSize.Bits64, new InstructionClock());
        using CoverageMap coverage = new();
        cpu.Coverage = coverage;
        cpu.RandomSeed = 5;
        cpu.Regs.Rip = Guest.Code;
        cpu.Regs.Rdi = Guest.Data;
        cpu.Regs.Rsp = Guest.Data + Guest.DataSize - 8;
        space.Write(cpu.Regs.Rsp, EndAddress);
        using Harness harness = new(cpu) { EndAddress = EndAddress, InstructionLimit = 1000, Inject = (_, input) => space.Write(Guest.Data, input) };
        foreach ((byte input, FuzzOutcome outcome, string bucket) in new[] { ((byte)0, FuzzOutcome.Done, ""), ((byte)0x41, FuzzOutcome.Crash, "exception-14-write"), ((byte)0x42, FuzzOutcome.Hang, "hang") })
        {
            List<(string, string, ulong, int)> results = [];
            for (int round = 0; round < 3; round++)
            {
                coverage.Clear();
                FuzzResult result = harness.Run([input, 0, 0, 0]);
                Assert.Equal(outcome, result.Outcome);
                Assert.StartsWith(bucket, result.Bucket);
                results.Add((result.Bucket, Convert.ToHexString(coverage.Edges), cpu.Regs.Rbx, space.Read<int>(Guest.Data + 0x100)));
            }
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[1], results[2]);
            Assert.Equal(1, results[0].Item4);
        }
    }
}
