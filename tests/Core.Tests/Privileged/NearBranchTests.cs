using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Near branches out of the code segment fault at the branch, with nothing done (SDM Vol. 2, JMP, CALL, RET, Jcc, LOOP).</summary>
public sealed class NearBranchTests
{
    const uint Limit = (uint)Origin + 0xFF, Outside = Limit + 1;

    [Theory]
    [InlineData("jmp")]
    [InlineData("call")]
    [InlineData("jz")]
    [InlineData("jmp eax")]
    [InlineData("call eax")]
    [InlineData("ret")]
    [InlineData("ret 4")]
    public void OutOfTheSegment_Sdm2(string branch)
    {
        using SystemMachine machine = new(Start.Protected32, c =>
        {
            switch (branch)
            {
                case "jmp":
                    c.jmp(Outside);
                    break;
                case "call":
                    c.call(Outside);
                    break;
                case "jz":
                    c.je(Outside);
                    break;
                case "jmp eax":
                    c.jmp(eax);
                    break;
                case "call eax":
                    c.call(eax);
                    break;
                case "ret":
                    c.ret();
                    break;
                default:
                    c.ret(4);
                    break;
            }
        });
        machine.SetDescriptor(Code32, Segment(CodeReadable | Accessed, limit: Limit, flags: Big));
        machine.SetDescriptor(Free, Segment(CodeReadable));
        machine.SetGates(InterruptGate32, Free);
        machine.Begin();
        machine.Regs.Rax = Outside;
        machine.Regs.Rsp -= 8;
        machine.Regs.Rflags |= 0x40;
        machine.Write(machine.Regs.Rsp, Outside);
        machine.Faults(13, 0);
        Assert.Equal(Stack0 - 8 - 16, machine.Regs.Rsp);
    }

    [Theory]
    [InlineData(0xE2)]
    [InlineData(0xE1)]
    [InlineData(0xE0)]
    [InlineData(0xE3)]
    public void ALoopOutOfTheSegmentDoesNotCount_Sdm2_Loop(int opcode)
    {
        using SystemMachine machine = new(Start.Protected32, [(byte)opcode, 0x7E]);
        machine.SetDescriptor(Code32, Segment(CodeReadable | Accessed, limit: (uint)Origin + 0x7F, flags: Big));
        machine.SetDescriptor(Free, Segment(CodeReadable));
        machine.SetGates(InterruptGate32, Free);
        machine.Begin();
        machine.Regs.Rcx = opcode == 0xE3 ? 0u : 2;
        machine.Regs.Rflags = machine.Regs.Rflags & ~0x40u | (opcode == 0xE1 ? 0x40u : 0);
        ulong before = machine.Regs.Rcx;
        machine.Faults(13, 0);
        Assert.Equal(before, machine.Regs.Rcx);
    }

    [Fact]
    public void NotTakenOrInsideItDoesNotMatter_Sdm2()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.je(Outside); c.jmp(Limit); });
        machine.SetDescriptor(Code32, Segment(CodeReadable | Accessed, limit: Limit, flags: Big));
        machine.Begin();
        machine.Write(Limit, (byte)0xF4);
        Assert.Equal((ExitReason.Hlt, Outside), (machine.Run().Reason, machine.Regs.Rip));
    }

    [Fact]
    public void FiveLevelPagingHasMoreCanonicalAddresses_Sdm3_4_5()
    {
        const ulong High = 0x00FF_0000_0000_0000;
        using SystemMachine machine = new(Start.Long with { Paging = Paging.FiveLevels }, c => c.jmp(rax));
        machine.Pages.Map(High, Data);
        machine.Write(Data, (byte)0xF4);
        machine.Regs.Rax = High;
        Assert.Equal((ExitReason.Hlt, High + 1), (machine.Run().Reason, machine.Regs.Rip));
    }
}
