using Iced.Intel;
using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section C: single step.</summary>
public class SingleStepTests
{
    const ulong Trap = 0x100, Interrupt = 0x200, Resume = 0x10000;

    [Fact]
    public void C1_OneInstructionRetiresAndDr6OfTheGuestStays()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.inc(ax); });
        VcpuExit exit = machine.Step();
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal(1, exit.InstructionsRetired);
        Assert.Equal(new DebugExit(1, RealMachine.Code + 1, 0xFFFF4FF0, 0x400), exit.Debug);
        Assert.Equal(RealMachine.Code + 1u, machine.Regs.Rip);
        Assert.Equal(1UL, machine.Regs.Rax);
        Assert.Equal(0xFFFF0FF0UL, machine.Cpu.DebugRegisters.Dr6);
    }

    [Fact]
    public void C1_EachRunIsOneStepWithoutReArming()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.jmp(RealMachine.Code); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        for (uint round = 1; round <= 100; round++)
        {
            Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
            Assert.Equal((RealMachine.Code + 1u, (ulong)round), (machine.Regs.Rip, machine.Regs.Rax));
            Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
            Assert.Equal(RealMachine.Code, machine.Regs.Rip);
        }
    }

    [Fact]
    public void C2_PushfAndGetRegsShowNoTrapFlag()
    {
        using RealMachine machine = new(a => { a.pushf(); a.pop(ax); });
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(0UL, machine.Regs.Rflags & Trap);
        machine.StepsTo(RealMachine.Code + 2);
        Assert.Equal(2UL, machine.Regs.Rax);
    }

    [Fact]
    public void C2_InterruptFramesShowNoTrapFlag()
    {
        using RealMachine machine = new(a => { a.sti(); a.nop(); a.nop(); });
        machine.StepsTo(RealMachine.Code + 1);
        machine.StepsTo(RealMachine.Code + 2);
        machine.Cpu.Interrupt(0x40);
        machine.StepsTo(RealMachine.Handler(0x40));
        Assert.Equal(Interrupt | 2, machine.Frame.Flags);
    }

    [Fact]
    public void C2_NoReArmingAfterAChangeOfRip()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); a.nop(); a.nop(); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        machine.Cpu.Run();
        machine.Regs.Rip = RealMachine.Code + 2;
        Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
        Assert.Equal(RealMachine.Code + 3u, machine.Regs.Rip);
    }

    [Fact]
    public void C2_PopfThatClearsTheTrapFlagDoesNotStopTheStepping()
    {
        using RealMachine machine = new(a => { a.push(2); a.popf(); a.nop(); a.nop(); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        foreach (uint offset in new uint[] { 2, 3, 4, 5 })
        {
            Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
            Assert.Equal(RealMachine.Code + offset, machine.Regs.Rip);
        }
    }

    [Fact]
    public void C3_TheGuestsOwnTrapFlagIsKeptAndWorksDuringSteps()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.Regs.Rflags |= Trap;
        machine.StepsTo(RealMachine.Handler(1));
        Assert.Equal((RealMachine.Code + 1, (ushort)(Trap | 2)), (machine.Frame.Ip, machine.Frame.Flags));
        Assert.Equal(0xFFFF4FF0UL, machine.Cpu.DebugRegisters.Dr6);
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(Trap, machine.Regs.Rflags & Trap);
        machine.StepsTo(RealMachine.Handler(1));
        Assert.Equal(RealMachine.Code + 2, machine.Frame.Ip);
    }

    [Fact]
    public void C3_WithoutADebuggerTheTrapFlagTrapsAfterEachInstruction()
    {
        using RealMachine machine = new(a => { a.push((int)(Trap | 2)); a.popf(); a.nop(); a.nop(); a.hlt(); });
        machine.SetHandler(1, a => { a.inc(di); a.iret(); });
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        // After each NOP; the trap of HLT waits.
        Assert.Equal(2UL, machine.Regs.Rdi);
        Assert.True(machine.Cpu.Events.Exception.IsPending);
    }

    [Fact]
    public void C3_AfterMovSsTheTrapComesOneInstructionLater()
    {
        using RealMachine machine = new(a => { a.mov(ss, cx); a.nop(); a.nop(); });
        machine.Regs.Rflags |= Trap;
        machine.StepsTo(RealMachine.Code + 2);
        machine.StepsTo(RealMachine.Handler(1));
        Assert.Equal(RealMachine.Code + 3, machine.Frame.Ip);
    }

    [Fact]
    public void C3_IntNDoesNotTrapAtItsHandler()
    {
        using RealMachine machine = new(a => { a.@int(0x40); a.nop(); });
        machine.SetHandler(1, a => { a.inc(di); a.iret(); });
        machine.SetHandler(0x40, a => { a.nop(); a.hlt(); });
        machine.Regs.Rflags |= Trap;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0UL, machine.Regs.Rdi);
    }

    [Fact]
    public void C4_StiMovSsAndPopSsAreOneStepEach()
    {
        using RealMachine machine = new(a => { a.sti(); a.mov(ss, cx); a.push(ss); a.pop(ss); a.nop(); });
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(InterruptShadow.Sti, machine.Cpu.Events.Interrupt.Shadow);
        machine.StepsTo(RealMachine.Code + 3);
        Assert.Equal(InterruptShadow.MovSs, machine.Cpu.Events.Interrupt.Shadow);
        machine.StepsTo(RealMachine.Code + 4);
        Assert.Equal(InterruptShadow.None, machine.Cpu.Events.Interrupt.Shadow);
        machine.StepsTo(RealMachine.Code + 5);
        Assert.Equal(InterruptShadow.MovSs, machine.Cpu.Events.Interrupt.Shadow);
        machine.StepsTo(RealMachine.Code + 6);
    }

    [Fact]
    public void C4_TheShadowSurvivesTheStep()
    {
        using RealMachine machine = new(a => { a.sti(); a.nop(); a.nop(); });
        machine.Cpu.Interrupt(0x40);
        machine.StepsTo(RealMachine.Code + 1);
        machine.StepsTo(RealMachine.Code + 2);
        machine.StepsTo(RealMachine.Handler(0x40));
        Assert.Equal(RealMachine.Code + 2, machine.Frame.Ip);
    }

    [Fact]
    public void C4_ASecondMovSsDoesNotExtendTheShadow()
    {
        using RealMachine machine = new(a => { a.mov(ss, cx); a.mov(ss, cx); a.nop(); });
        machine.Regs.Rflags |= Interrupt;
        machine.StepsTo(RealMachine.Code + 2);
        machine.Cpu.Interrupt(0x40);
        machine.StepsTo(RealMachine.Code + 4);
        machine.StepsTo(RealMachine.Handler(0x40));
    }

    [Theory]
    [InlineData(0x40, new byte[] { 0xCD, 0x40 }, 2)]
    [InlineData(3, new byte[] { 0xCC }, 1)]
    [InlineData(4, new byte[] { 0xCE }, 1)]
    [InlineData(1, new byte[] { 0xF1 }, 1)]
    [InlineData(6, new byte[] { 0x0F, 0x0B }, 0)]
    [InlineData(0, new byte[] { 0xF6, 0xF1 }, 0)]
    public void C5_TheStepEndsAtTheFirstInstructionOfTheHandler(int vector, byte[] code, int returnOffset)
    {
        using RealMachine machine = new(code);
        machine.Regs.Rflags |= 0x800;
        VcpuExit exit = machine.Step();
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal(RealMachine.Handler(vector), exit.Debug.Pc);
        Assert.Equal(RealMachine.Code + returnOffset, machine.Frame.Ip);
        Assert.Equal(returnOffset == 0 ? 0 : 1, exit.InstructionsRetired);
    }

    [Fact]
    public void C6_EachElementOfARepeatedInstructionIsAStep()
    {
        using RealMachine machine = new(a => { a.rep.movsb(); a.nop(); });
        (machine.Regs.Rcx, machine.Regs.Rsi, machine.Regs.Rdi) = (3, RealMachine.Data, RealMachine.Data + 0x100);
        machine.Write(RealMachine.Data, 1, 2, 3);
        machine.StepsTo(RealMachine.Code);
        Assert.Equal((2UL, Resume), (machine.Regs.Rcx, machine.Regs.Rflags & Resume));
        machine.StepsTo(RealMachine.Code);
        Assert.Equal((1UL, Resume), (machine.Regs.Rcx, machine.Regs.Rflags & Resume));
        Assert.Equal([1, 2, 0], machine.Read(RealMachine.Data + 0x100, 3));
        machine.StepsTo(RealMachine.Code + 2);
        Assert.Equal((0UL, 0UL), (machine.Regs.Rcx, machine.Regs.Rflags & Resume));
    }

    [Fact]
    public void C7_AnAccessExitsFirstAndItsCompletionEndsTheStep()
    {
        using RealMachine machine = new(a => { a.@in(al, 0x10); a.inc(ax); });
        VcpuExit exit = machine.Step();
        Assert.Equal((ExitReason.Io, RealMachine.Code), (exit.Reason, machine.Regs.Rip));
        machine.Cpu.IoData[0] = 0x41;
        exit = machine.Cpu.Run();
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal((RealMachine.Code + 2u, 0x41UL), (machine.Regs.Rip, machine.Regs.Rax));
    }

    [Fact]
    public void C7_MmioReadModifyWriteIsTwoExitsAndOneStep()
    {
        using RealMachine machine = new(a => { a.inc(__byte_ptr[bx]); a.nop(); });
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = RealMachine.Size };
        VcpuExit exit = machine.Step();
        Assert.Equal((ExitReason.Mmio, false, RealMachine.Size, 1), (exit.Reason, exit.IsWrite, exit.Address, exit.Size));
        machine.Cpu.MmioData[0] = 7;
        exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Mmio, true), (exit.Reason, exit.IsWrite));
        Assert.Equal(8, machine.Cpu.MmioData[0]);
        exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Debug, 1L), (exit.Reason, exit.InstructionsRetired));
    }

    [Fact]
    public void C7_HltExitsBehindItAndTheNextStepExecutesTheFollowingInstruction()
    {
        using RealMachine machine = new(a => { a.hlt(); a.inc(ax); });
        Assert.Equal(ExitReason.Hlt, machine.Step().Reason);
        Assert.Equal(RealMachine.Code + 1u, machine.Regs.Rip);
        machine.StepsTo(RealMachine.Code + 2);
        Assert.Equal(1UL, machine.Regs.Rax);
    }

    [Fact]
    public void C8_AStepThatLandsOnACodeBreakpointShowsBothBits()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        DebugRegisters breakpoints = DebugRegisters.Reset.With(2, RealMachine.Code + 1, BreakpointType.Execute);
        VcpuExit exit = machine.Step(UseHardwareBreakpoints, breakpoints);
        Assert.Equal(new DebugExit(1, RealMachine.Code + 1, 0xFFFF4FF4, breakpoints.Dr7), exit.Debug);
    }
}
