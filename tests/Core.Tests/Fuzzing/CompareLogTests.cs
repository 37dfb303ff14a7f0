namespace FastVcpu.Tests.Fuzzing;

/// <summary>The log has what instructions compared, and changes nothing.</summary>
public sealed class CompareLogTests
{
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void OperandsAreThoseOfTheInstruction(int bits)
    {
        using Guest guest = new(bits, c =>
        {
            c.cmp(eax, 0x12345678);
            c.cmp(cl, dl);
            c.cmp(dx, __word_ptr[Guest.Data]);
            c.cmp(__dword_ptr[Guest.Data + 4], -2);
            c.sub(ecx, edx);
            c.test(__byte_ptr[Guest.Data], 0x10);
            c.cmp(ah, 5);
            c.cmpsb();
            c.scasd();
            c.add(eax, 1);
            c.cmp(al, 7);
        });
        guest.Space.Write(Guest.Data, 0xAABB_CCDD_1122_3344ul);
        guest.Space.Write(Guest.Data + 0x100, 0x5566_7788_99AA_BBCCul);
        guest.Regs.Rax = 0x0102_0304;
        guest.Regs.Rcx = 0x51;
        guest.Regs.Rdx = 0x62;
        guest.Regs.Rsi = Guest.Data;
        guest.Regs.Rdi = Guest.Data + 0x100;
        ulong[] before = guest.Registers;
        guest.RunToEnd();
        ulong[] expected = guest.Registers;
        CompareLog log = new();
        guest.Cpu.CompareLog = log;
        for (int round = 0; round < 300; round++)
        {
            log.Clear();
            guest.Rewind();
            for (int i = 0; i < 16; i++)
            {
                guest.Cpu.Regs[i] = before[i];
            }
            guest.RunToEnd();
        }
        Assert.Equal(expected, guest.Registers);
        Assert.Equal(
            [
                (0x0102_0304ul, 0x12345678ul, 4, true), (0x51, 0x62, 1, false), (0x62, 0x3344, 2, false), (0xAABB_CCDD, 0xFFFF_FFFE, 4, true), (0x51, 0x62, 4, false),
                (0x44, 0x10, 1, true), (3, 5, 1, true), (0x44, 0xCC, 1, false), (0x0102_0304, 0x8899_AABB, 4, false), (5, 7, 1, true),
            ],
            log.Entries.ToArray().Select(entry => (entry.Left, entry.Right, entry.Size, entry.IsImmediate)));
        Assert.Equal(Guest.Code, log.Entries[0].Rip);
        guest.Cpu.CompareLog = null;
        log.Clear();
        guest.Rewind();
        guest.RunToEnd();
        Assert.Equal(0, log.Count);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void CallsAreToldWithWhatMayBeTheirArguments(int bits)
    {
        using Guest guest = new(bits, c =>
        {
            Iced.Intel.Label function = c.CreateLabel(), start = c.CreateLabel();
            c.jmp(start);
            c.Label(ref function);
            c.ret();
            c.Label(ref start);
            if (bits == 64)
            {
                c.mov(rdi, Guest.Data);
                c.mov(rsi, Guest.Data + 8);
            }
            else
            {
                c.push((int)Guest.Data + 8);
                c.push((int)Guest.Data);
            }
            c.call(function);
            c.cmp(eax, 5);
        });
        CallLog calls = new();
        CompareLog comparisons = new();
        guest.Cpu.CompareLog = calls;
        guest.RunToEnd();
        (ulong rip, ulong first, ulong second) = Assert.Single(calls.Calls);
        Assert.InRange(rip, Guest.Code + 1, Guest.Code + 64);
        Assert.Equal(((ulong)Guest.Data, (ulong)Guest.Data + 8), (first, second));
        Assert.Equal(1, calls.Comparisons);
        guest.Cpu.CompareLog = comparisons;
        guest.Rewind();
        guest.RunToEnd();
        Assert.Equal(1, comparisons.Count);
    }

    [Fact]
    public void AFullLogDropsAndAnOperandThatCannotBeReadFaultsAsWithout()
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.inc(ecx);
            c.cmp(ecx, 100);
            c.jne(loop);
            c.cmp(__dword_ptr[0x99], 1);
        });
        CompareLog log = new(30);
        guest.Cpu.CompareLog = log;
        VcpuExit exit = guest.Cpu.Run(10_000);
        Assert.Equal((ExitReason.Exception, 14, 0x99ul, 300L), (exit.Reason, exit.Vector, exit.Address, exit.InstructionsRetired));
        Assert.Equal((30, true, 30ul), (log.Count, log.IsFull, log.Entries[29].Left));
    }

    sealed class CallLog : ComparisonSink
    {
        public List<(ulong Rip, ulong First, ulong Second)> Calls { get; } = [];

        public int Comparisons { get; private set; }

        public override bool WantsCalls => true;

        public override void Add(in Comparison comparison) => Comparisons++;

        public override void AddCall(Vcpu cpu, ulong rip, ulong first, ulong second) => Calls.Add((rip, first, second));
    }
}
