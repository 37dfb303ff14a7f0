namespace FastVcpu.Tests.Instructions;

/// <summary>By what programs tell the 8086 from its successors.</summary>
public sealed class OldProcessorTests
{
    public static TheoryData<string, bool, bool> Models => new()
    {
        { "8086", false, false },
        { "80286", true, true },
        { "386", true, true },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void ShiftCountsAndPushSp(string name, bool masksCounts, bool pushesOldPointer)
    {
        using RealMachine machine = new(
            c =>
            {
                c.mov(ax, 0x8001);
                c.mov(cl, 33);
                c.shl(ax, cl);
                c.mov(bx, 0x8001);
                c.rcr(bx, cl);
                c.push(sp);
                c.pop(dx);
            },
            CpuModel.All.Single(m => m.Name == name));
        machine.Cpu.Run(7);
        Assert.Equal(masksCounts ? 2ul : 0, machine.Regs.Rax & 0xFFFF);
        // 33 is 16 more than the 17 bits of a turn; the carry is that of the shift.
        Assert.Equal(masksCounts ? 0xC000ul : 2, machine.Regs.Rbx & 0xFFFF);
        Assert.Equal(pushesOldPointer ? RealMachine.Stack : RealMachine.Stack - 2u, machine.Regs.Rdx & 0xFFFF);
    }
}
