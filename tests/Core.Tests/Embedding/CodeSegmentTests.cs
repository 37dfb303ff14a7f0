namespace FastVcpu.Tests.Embedding;

/// <summary>The same instruction pointer in different code segments.</summary>
public sealed class CodeSegmentTests
{
    [Fact]
    public void FarCallsToTheSameOffsetOfDifferentSegmentsRunDifferentCode()
    {
        using RealMachine machine = new(a =>
        {
            a.mov(cx, 100);
            Iced.Intel.Label loop = a.CreateLabel();
            a.Label(ref loop);
            a.call(0x2000, 0x10);
            a.call(0x3000, 0x10);
            a.loop(loop);
            a.hlt();
        });
        machine.Write(0x20010, Guest.Assemble(16, a => { a.inc(ax); a.retf(); }, 0x10));
        machine.Write(0x30010, Guest.Assemble(16, a => { a.add(bx, 3); a.retf(); }, 0x10));
        Assert.Equal(ExitReason.Hlt, machine.Run(10_000).Reason);
        Assert.Equal((100UL, 300UL), (machine.Regs.Rax, machine.Regs.Rbx));
    }

    [Fact]
    public void TheEmbedderMovesTheCodeSegment()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.hlt(); });
        machine.Write(RealMachine.Code + 0x10000, Guest.Assemble(16, a => { a.inc(bx); a.hlt(); }));
        machine.Run();
        machine.Cpu.Segments.SetReal(1, 0x1000);
        machine.Regs.Rip = RealMachine.Code;
        machine.Run();
        Assert.Equal((1UL, 1UL), (machine.Regs.Rax, machine.Regs.Rbx));
    }
}
