using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>What holds interrupts, NMIs and traps back for an instruction, and until IRET (SDM Vol. 3 6.7.1, 6.8).</summary>
public sealed class InterruptShadowTests
{
    const ulong Interrupt = 0x200;

    static SystemMachine WithInterrupt(Action<Assembler> code, ulong flags = Interrupt, bool nmi = false)
    {
        SystemMachine machine = new(Start.Protected32, code);
        machine.Regs.Rflags |= flags;
        machine.Regs.Rcx = Data32;
        if (nmi)
        {
            machine.Cpu.Nmi();
        }
        else
        {
            machine.Cpu.Interrupt(0x30);
        }
        return machine;
    }

    [Fact]
    public void StiLetsOneInstructionPass_Sdm3_6_8_1()
    {
        using SystemMachine machine = WithInterrupt(c => { c.sti(); c.nop(); c.nop(); }, 0);
        Assert.Equal((0x30, Origin + 2), (machine.See().Vector, machine.Frame(0x30).Rip));
    }

    [Fact]
    public void StiThenCliLetsNothingIn_Sdm2_Sti()
    {
        using SystemMachine machine = WithInterrupt(c => { c.sti(); c.cli(); c.nop(); }, 0);
        machine.Done();
    }

    [Fact]
    public void StiWithInterruptsEnabledHoldsNothingBack_Sdm2_Sti()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.sti(); c.nop(); });
        machine.Regs.Rflags |= Interrupt;
        machine.Run(1);
        machine.Cpu.Interrupt(0x30);
        Assert.Equal((0x30, Origin + 1), (machine.See().Vector, machine.Frame(0x30).Rip));
    }

    [Theory]
    [InlineData("8ED1", 2ul, false)]
    [InlineData("8ED1", 2ul, true)]
    [InlineData("17", 1ul, false)]
    [InlineData("17", 1ul, true)]
    public void MovAndPopSsLetOneInstructionPass_Sdm3_6_8_3(string code, ulong length, bool nmi)
    {
        using SystemMachine machine = new(Start.Protected32, [.. Convert.FromHexString(code), 0x90, 0x90]);
        machine.Regs.Rflags |= Interrupt;
        machine.Regs.Rcx = Data32;
        machine.Regs.Rsp -= 4;
        machine.Write(machine.Regs.Rsp, (uint)Data32);
        machine.Run(1);
        if (nmi)
        {
            machine.Cpu.Nmi();
        }
        else
        {
            machine.Cpu.Interrupt(0x30);
        }
        Seen seen = machine.See();
        Assert.Equal((nmi ? 2 : 0x30, Origin + length + 1), (seen.Vector, seen.Rip));
    }

    [Fact]
    public void OnlyTheFirstOfSeveralHoldsBack_Sdm3_6_8_3()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.mov(ss, ecx); c.mov(ss, ecx); c.nop(); });
        machine.Regs.Rflags |= Interrupt;
        machine.Regs.Rcx = Data32;
        machine.Run(1);
        machine.Cpu.Interrupt(0x30);
        Assert.Equal(Origin + 4, machine.See().Rip);
    }

    [Fact]
    public void NmisAreBlockedUntilIret_Sdm3_6_7_1()
    {
        using SystemMachine machine = WithInterrupt(c => { c.nop(); c.nop(); }, 0, nmi: true);
        machine.Assemble(Handler(2), c => { c.inc(__byte_ptr[(int)Data]); c.nop(); c.nop(); c.nop(); c.iretd(); });
        machine.Run(1);
        machine.Cpu.Nmi();
        machine.Cpu.Nmi();
        machine.Done();
        Assert.Equal(2, machine.Read<byte>(Data));
    }

    [Fact]
    public void AnNmiComesBeforeAnInterrupt_Sdm3_Table_6_2()
    {
        using SystemMachine machine = WithInterrupt(c => c.nop());
        machine.Cpu.Nmi();
        Assert.Equal((2, Origin), (machine.See().Vector, machine.Frame(2).Rip));
    }

    [Fact]
    public void ARepeatedStringInstructionIsInterruptedWithRf_Sdm3_18_3_1_1()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.rep.insb());
        (machine.Regs.Rcx, machine.Regs.Rdi, machine.Regs.Rdx) = (0x2000, Data, 0x60);
        machine.Regs.Rflags |= Interrupt;
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        machine.Cpu.Interrupt(0x30);
        Seen seen = machine.See();
        Assert.Equal((0x30, Origin, Interrupt | 0x10002), (seen.Vector, seen.Rip, seen.Flags));
        Assert.True(machine.Regs.Rcx is > 0 and < 0x2000);
    }

    [Fact]
    public void PopfAndIretThatEnableInterruptsHoldNothingBack_Sdm3_6_8_1()
    {
        using SystemMachine machine = WithInterrupt(c => { c.push(0x202); c.popfd(); c.nop(); }, 0);
        Assert.Equal(machine.CodeEnd - 1, machine.See().Rip);
    }
}
