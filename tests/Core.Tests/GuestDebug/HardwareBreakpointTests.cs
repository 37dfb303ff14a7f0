using Iced.Intel;
using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section E: hardware breakpoints and watchpoints.</summary>
public class HardwareBreakpointTests
{
    const ulong Resume = 0x10000;

    static VcpuExit RunWith(RealMachine machine, DebugRegisters breakpoints, GuestDebugFlags flags = None)
    {
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints | flags, breakpoints);
        return machine.Run();
    }

    static void HitsAt(ulong rip, uint bits, VcpuExit exit, RealMachine machine)
    {
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal((1, rip, 0xFFFF0FF0UL | bits), (exit.Debug.Exception, exit.Debug.Pc, exit.Debug.Dr6));
        Assert.Equal(rip, machine.Regs.Rip);
    }

    [Fact]
    public void E1_ExecutionStopsBeforeTheInstructionAlsoBeforeTheFirst()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.inc(ax); a.inc(ax); a.hlt(); });
        DebugRegisters breakpoints = DebugRegisters.Reset.With(1, RealMachine.Code + 2, BreakpointType.Execute);
        HitsAt(RealMachine.Code + 2, 2, RunWith(machine, breakpoints), machine);
        Assert.Equal(2UL, machine.Regs.Rax);
        HitsAt(RealMachine.Code + 2, 2, machine.Run(), machine);
    }

    [Fact]
    public void E1_ResumeFlagLetsTheInstructionRunOnce()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.jmp(RealMachine.Code); });
        DebugRegisters breakpoints = DebugRegisters.Reset.With(0, RealMachine.Code, BreakpointType.Execute);
        RunWith(machine, breakpoints);
        machine.Regs.Rflags |= Resume;
        HitsAt(RealMachine.Code, 1, machine.Run(), machine);
        Assert.Equal(1UL, machine.Regs.Rax);
        Assert.Equal(0UL, machine.Regs.Rflags & Resume);
    }

    [Fact]
    public void E1_AStepReportsTheBreakpointAgainAtTheNextRun()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        DebugRegisters breakpoints = DebugRegisters.Reset.With(0, RealMachine.Code + 1, BreakpointType.Execute);
        Assert.NotEqual(0UL, RunWith(machine, breakpoints, SingleStep).Debug.Dr6 & DebugExit.SingleStep);
        HitsAt(RealMachine.Code + 1, 1, machine.Cpu.Run(), machine);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void E1_SuppressedRightAfterMovSs(bool isPop)
    {
        using RealMachine machine = new(a =>
        {
            a.push(cx);
            if (isPop)
            {
                a.pop(ss);
            }
            else
            {
                a.mov(ss, cx);
            }
            a.nop();
            a.hlt();
        });
        DebugRegisters breakpoints = DebugRegisters.Reset.With(0, machine.CodeEnd - 2, BreakpointType.Execute);
        Assert.Equal(ExitReason.Hlt, RunWith(machine, breakpoints).Reason);
    }

    [Fact]
    public void E1_InTheMiddleOfAHotLoopAndNearTheLimit()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.inc(bx); a.loop(RealMachine.Code); a.hlt(); });
        machine.Regs.Rcx = 1000;
        machine.Run(300);
        DebugRegisters breakpoints = DebugRegisters.Reset.With(0, RealMachine.Code + 1, BreakpointType.Execute);
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, breakpoints);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(1).Reason);
        HitsAt(RealMachine.Code + 1, 1, machine.Run(1), machine);
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(1, 1, false)]
    [InlineData(2, 1, true)]
    [InlineData(4, 3, true)]
    [InlineData(8, 7, true)]
    [InlineData(4, 4, false)]
    [InlineData(8, -1, false)]
    public void E2_AWriteStopsBehindTheInstruction(int length, int offset, bool hits)
    {
        using RealMachine machine = new(a => { a.mov(__byte_ptr[bx], 1); a.hlt(); });
        machine.Regs.Rbx = (ulong)(RealMachine.Data + offset);
        VcpuExit exit = RunWith(machine, DebugRegisters.Reset.With(3, RealMachine.Data, BreakpointType.Write, length));
        if (hits)
        {
            HitsAt(RealMachine.Code + 3, 8, exit, machine);
            Assert.Equal(1, machine.Read((ulong)(RealMachine.Data + offset), 1)[0]);
        }
        Assert.Equal(hits ? ExitReason.Debug : ExitReason.Hlt, exit.Reason);
    }

    [Theory]
    [InlineData(BreakpointType.Write, false)]
    [InlineData(BreakpointType.ReadWrite, true)]
    public void E2_ReadsHitOnlyReadWrite(BreakpointType type, bool hits)
    {
        using RealMachine machine = new(a => { a.mov(al, __byte_ptr[bx]); a.hlt(); });
        machine.Regs.Rbx = RealMachine.Data;
        VcpuExit exit = RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Data, type));
        Assert.Equal(hits ? ExitReason.Debug : ExitReason.Hlt, exit.Reason);
    }

    [Fact]
    public void E2_EveryAccessOfAnInstructionCounts()
    {
        using RealMachine machine = new(a => { a.movsb(); a.hlt(); });
        (machine.Regs.Rsi, machine.Regs.Rdi) = (RealMachine.Data, RealMachine.Data + 0x2000);
        DebugRegisters breakpoints = DebugRegisters.Reset
            .With(0, RealMachine.Data, BreakpointType.ReadWrite)
            .With(1, RealMachine.Data + 0x2000, BreakpointType.Write);
        HitsAt(RealMachine.Code + 1, 3, RunWith(machine, breakpoints), machine);
    }

    [Fact]
    public void E2_PageCrossingAccesses()
    {
        using RealMachine machine = new(a => { a.mov(__word_ptr[bx], 1); a.hlt(); });
        machine.Regs.Rbx = RealMachine.Data + 0xFFF;
        HitsAt(RealMachine.Code + 4, 1, RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Data + 0x1000, BreakpointType.Write)), machine);
    }

    [Fact]
    public void E2_Pushes()
    {
        using RealMachine machine = new(a => { a.push(ax); a.hlt(); });
        HitsAt(RealMachine.Code + 1, 1, RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Stack - 2, BreakpointType.Write, 2)), machine);
    }

    [Fact]
    public void E2_StringElementsStopAfterTheElementThatHit()
    {
        using RealMachine machine = new(a => { a.rep.stosb(); a.hlt(); });
        (machine.Regs.Rcx, machine.Regs.Rdi) = (10, RealMachine.Data);
        HitsAt(RealMachine.Code, 1, RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Data + 4, BreakpointType.Write)), machine);
        Assert.Equal((5UL, (ulong)RealMachine.Data + 5), (machine.Regs.Rcx, machine.Regs.Rdi));
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0UL, machine.Regs.Rcx);
    }

    [Fact]
    public void E2_AHitOfMovSsIsReportedAfterTheNextInstruction()
    {
        using RealMachine machine = new(a => { a.mov(ss, __word_ptr[bx]); a.nop(); a.hlt(); });
        machine.Regs.Rbx = RealMachine.Data;
        HitsAt(RealMachine.Code + 3, 1, RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Data, BreakpointType.ReadWrite, 2)), machine);
    }

    [Fact]
    public void E3_AnIoBreakpointIsReportedAtTheCompletionOfTheExit()
    {
        using RealMachine machine = new(a => { a.mov(eax, cr4); a.or(al, 8); a.mov(cr4, eax); a.@in(al, 0x41); a.hlt(); });
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, DebugRegisters.Reset.With(0, 0x40, BreakpointType.Io, 2));
        VcpuExit exit = machine.Run();
        Assert.Equal(ExitReason.Io, exit.Reason);
        HitsAt(machine.CodeEnd - 1, 1, machine.Run(), machine);
    }

    [Fact]
    public void E3_DisabledSlotsNeverFireAndTheirBitsStayClear()
    {
        using RealMachine machine = new(a => { a.mov(__byte_ptr[bx], 1); a.hlt(); });
        machine.Regs.Rbx = RealMachine.Data;
        DebugRegisters breakpoints = DebugRegisters.Reset.With(0, RealMachine.Data, BreakpointType.Write).With(1, RealMachine.Data, BreakpointType.Write);
        breakpoints = breakpoints with { Dr7 = breakpoints.Dr7 & ~0xCUL };
        HitsAt(RealMachine.Code + 3, 1, RunWith(machine, breakpoints), machine);
        machine.Regs.Rip = RealMachine.Code;
        Assert.Equal(ExitReason.Hlt, RunWith(machine, breakpoints with { Dr7 = breakpoints.Dr7 & ~3UL | 0x300 }).Reason);
    }

    [Fact]
    public void E4_TheGuestsGeneralDetectGivesTheGuestItsException()
    {
        using RealMachine machine = new(a => { a.mov(eax, dr7); a.hlt(); });
        machine.SetHandler(1, a => a.hlt());
        machine.Cpu.DebugRegisters = DebugRegisters.Reset with { Dr7 = 0x2400 };
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code, machine.Frame.Ip);
        Assert.Equal((0xFFFF2FF0UL, 0x400UL), (machine.Cpu.DebugRegisters.Dr6, machine.Cpu.DebugRegisters.Dr7));
    }

    [Fact]
    public void E4_TheRequestsGeneralDetectEndsTheRunAtTheAccess()
    {
        using RealMachine machine = new(a => { a.nop(); a.mov(eax, dr7); a.hlt(); });
        VcpuExit exit = RunWith(machine, DebugRegisters.Reset with { Dr7 = 0x2400 });
        Assert.Equal((ExitReason.Debug, 0xFFFF2FF0UL), (exit.Reason, exit.Debug.Dr6));
        Assert.Equal(RealMachine.Code + 1u, machine.Regs.Rip);
        Assert.Equal(0x400UL, machine.Cpu.DebugRegisters.Dr7);
    }

    [Fact]
    public void E5_TheGuestsBreakpointsGiveTheGuestItsException()
    {
        using RealMachine machine = new(a => { a.mov(__byte_ptr[bx], 1); a.nop(); a.hlt(); });
        machine.SetHandler(1, a => a.hlt());
        machine.Regs.Rbx = RealMachine.Data;
        machine.Cpu.DebugRegisters = DebugRegisters.Reset.With(2, RealMachine.Data, BreakpointType.Write);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 3, machine.Frame.Ip);
        Assert.Equal(0xFFFF0FF4UL, machine.Cpu.DebugRegisters.Dr6);
    }

    [Fact]
    public void E5_TheGuestsCodeBreakpointIsAFaultThatIretWithResumeFlagPasses()
    {
        using RealMachine machine = new(a => { a.nop(); a.inc(ax); a.hlt(); });
        // The handler makes a frame of 32 bits from the one of 16, with RF.
        const int Handler = 0x5000;
        machine.Write(4, Handler & 0xFF, Handler >> 8);
        machine.Write(Handler, Guest.Assemble(16, a =>
        {
            a.inc(di);
            a.add(sp, 6);
            a.mov(edx, 0x10002);
            a.push(edx);
            a.xor(edx, edx);
            a.push(edx);
            a.mov(edx, RealMachine.Code + 1);
            a.push(edx);
            a.iretd();
        }, Handler));
        machine.Cpu.DebugRegisters = DebugRegisters.Reset.With(0, RealMachine.Code + 1, BreakpointType.Execute);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((machine.CodeEnd, 1UL, 1UL), (machine.Regs.Rip, machine.Regs.Rax, machine.Regs.Rdi));
        Assert.Equal(0xFFFF0FF1UL, machine.Cpu.DebugRegisters.Dr6);
    }

    [Fact]
    public void E6_SetAndRemovedBetweenRunsHoldsFromTheFirstInstruction()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.mov(__byte_ptr[bx], al); a.jmp(RealMachine.Code); });
        machine.Regs.Rbx = RealMachine.Data;
        for (int round = 0; round < 3; round++)
        {
            machine.Cpu.SetGuestDebug(None);
            Assert.Equal(ExitReason.InstructionLimit, machine.Run(300).Reason);
            HitsAt(RealMachine.Code, 1, RunWith(machine, DebugRegisters.Reset.With(0, RealMachine.Code, BreakpointType.Execute)), machine);
            HitsAt(machine.CodeEnd - 2, 2, RunWith(machine, DebugRegisters.Reset.With(1, RealMachine.Data, BreakpointType.Write)), machine);
        }
    }
}
