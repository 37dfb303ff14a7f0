using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section F: BLOCKIRQ.</summary>
public class BlockInterruptsTests
{
    const ulong Interrupt = 0x200;

    static RealMachine Nops(Action<RealMachine>? prepare = null)
    {
        RealMachine machine = new(a =>
        {
            for (int i = 0; i < 20; i++)
            {
                a.nop();
            }
            a.hlt();
        });
        machine.Regs.Rflags |= Interrupt;
        prepare?.Invoke(machine);
        return machine;
    }

    [Fact]
    public void F1_WhatHasBegunIsCompletedInSpiteOfTheFlag()
    {
        using RealMachine machine = Nops(m => m.Cpu.Events = new VcpuEvents { Interrupt = new InterruptEvent { IsInjected = true, Vector = 0x40 } });
        machine.StepsTo(RealMachine.Handler(0x40), BlockInterrupts);
    }

    [Fact]
    public void F1_PendingExceptionsComeBeforeTheBranch()
    {
        using RealMachine machine = Nops(m => m.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsPending = true, Vector = 6 } });
        machine.StepsTo(RealMachine.Handler(6), BlockInterrupts);
    }

    [Fact]
    public void F1_NmiComesBeforeTheInterrupt()
    {
        using RealMachine machine = Nops();
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.Nmi();
        machine.StepsTo(RealMachine.Handler(2));
        Assert.Equal(RealMachine.Code, machine.Frame.Ip);
    }

    [Fact]
    public void F2_InterruptNmiAndSmiAreHeld()
    {
        using RealMachine machine = Nops();
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.Nmi();
        machine.Cpu.Smi();
        for (uint i = 1; i < 10; i++)
        {
            machine.StepsTo(RealMachine.Code + i, BlockInterrupts);
        }
    }

    [Fact]
    public void F2_ExceptionsIntNInt3AndTheGuestsTrapsAreNotHeld()
    {
        using RealMachine machine = new(a => { a.int3(); a.@int(0x41); a.ud2(); a.nop(); });
        machine.StepsTo(RealMachine.Handler(3), BlockInterrupts);
        machine.StepsTo(RealMachine.Code + 1, BlockInterrupts);
        machine.StepsTo(RealMachine.Handler(0x41), BlockInterrupts);
        machine.StepsTo(RealMachine.Code + 3, BlockInterrupts);
        machine.StepsTo(RealMachine.Handler(6), BlockInterrupts);
        machine.Regs.Rip = machine.CodeEnd - 1;
        machine.Regs.Rflags |= 0x100;
        machine.StepsTo(RealMachine.Handler(1), BlockInterrupts);
    }

    [Fact]
    public void F3_WhatIsHeldStaysVisibleAndArrivesInOrderAfterwards()
    {
        using RealMachine machine = Nops();
        machine.SetHandler(2, a => { a.nop(); a.iret(); });
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.Nmi();
        machine.Cpu.Nmi();
        machine.Cpu.Nmi();
        machine.StepsTo(RealMachine.Code + 1, BlockInterrupts);
        VcpuEvents events = machine.Cpu.Events;
        Assert.Equal((true, (byte)0x40, 2), (events.Interrupt.IsPending, events.Interrupt.Vector, events.Nmi.Pending));
        machine.StepsTo(RealMachine.Handler(2));
        Assert.Equal((true, 1), (machine.Cpu.Events.Nmi.IsMasked, machine.Cpu.Events.Nmi.Pending));
        machine.StepsTo(RealMachine.Handler(2) + 1);
        machine.StepsTo(RealMachine.Code + 1);
        machine.StepsTo(RealMachine.Handler(2));
        machine.StepsTo(RealMachine.Handler(2) + 1);
        machine.StepsTo(RealMachine.Code + 1);
        machine.StepsTo(RealMachine.Handler(0x40));
    }

    [Fact]
    public void F4_AnInterruptQueuedByTheEmbedderIsHeldLikeAnyOther()
    {
        using RealMachine machine = Nops();
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(machine.CodeEnd, machine.Regs.Rip);
    }

    [Fact]
    public void F5_NeitherReadyNorWindowIsReportedWhileHeld()
    {
        using RealMachine machine = Nops();
        machine.Cpu.RequestInterruptWindow = true;
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(5).Reason);
        Assert.Equal(RealMachine.Code + 5u, machine.Regs.Rip);
        machine.Cpu.SetGuestDebug(Enable);
        Assert.Equal(ExitReason.InterruptWindowOpen, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 5u, machine.Regs.Rip);
        Assert.True(machine.Cpu.IsReadyForInterruptInjection);
    }

    [Fact]
    public void F6_HltExitsAsAlwaysAndARerunGoesOnBehindIt()
    {
        using RealMachine machine = new(a => { a.hlt(); a.inc(ax); a.hlt(); });
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.Nmi();
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 1u, machine.Regs.Rip);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((machine.CodeEnd, 1), (machine.Regs.Rip, machine.Cpu.Events.Nmi.Pending));
    }

    [Fact]
    public void F7_SetWhileAnInterruptIsPendingItHoldsAndClearedItArrives()
    {
        using RealMachine machine = Nops();
        machine.SetHandler(0x40, a => a.hlt());
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(3).Reason);
        machine.StepsTo(RealMachine.Code + 4, BlockInterrupts);
        machine.Cpu.SetGuestDebug(None);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 4, machine.Frame.Ip);
    }

    [Theory]
    [InlineData(BlockInterrupts, RealMachine.Code + 1)]
    [InlineData(None, 0x3400)]
    public void F8a_ResumingFromABreakpointMakesProgress(GuestDebugFlags flags, uint expected)
    {
        using RealMachine machine = new(a => { a.inc(ax); a.jmp(RealMachine.Code); });
        byte original = machine.Read(RealMachine.Code, 1)[0];
        machine.Regs.Rflags |= Interrupt;
        machine.Write(RealMachine.Code, 0xCC);
        machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints);
        Assert.Equal(3, machine.Run().Debug.Exception);
        machine.Cpu.Interrupt(0x40);
        machine.Write(RealMachine.Code, original);
        machine.StepsTo(expected, UseSoftwareBreakpoints | flags);
        Assert.Equal(expected == RealMachine.Code + 1 ? 1UL : 0, machine.Regs.Rax);
    }

    [Theory]
    [InlineData(BlockInterrupts, false)]
    [InlineData(None, true)]
    public void F8b_AStepNeverLandsInTheHandler(GuestDebugFlags flags, bool lands)
    {
        using RealMachine machine = new(a => { a.inc(ax); a.push(ax); a.pop(bx); a.jmp(RealMachine.Code); });
        machine.Regs.Rflags |= Interrupt;
        bool landed = false;
        for (int i = 0; i < 40; i++)
        {
            machine.Cpu.Interrupt(0x40);
            machine.Step(flags);
            landed |= machine.Regs.Rip == RealMachine.Handler(0x40);
        }
        Assert.Equal(lands, landed);
    }

    /// <summary>With the flag no frame of an interrupt gets onto the guest's stack; without it one does, though never with TF as on KVM.</summary>
    [Theory]
    [InlineData(BlockInterrupts, false)]
    [InlineData(None, true)]
    public void F8c_TheTrapFlagDoesNotReachTheGuestsStack(GuestDebugFlags flags, bool hasFrame)
    {
        using RealMachine machine = Nops();
        machine.Regs.Rflags |= Interrupt;
        for (int i = 0; i < 10; i++)
        {
            machine.Cpu.Interrupt(0x40);
            machine.Step(flags);
            Assert.Equal(0, machine.Word(RealMachine.Stack - 2) & 0x100);
        }
        Assert.Equal(hasFrame ? Interrupt | 2 : 0, machine.Word(RealMachine.Stack - 2));
    }

    [Fact]
    public unsafe void F9_ABlockedInterruptDoesNotSlowTheLoop()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.jmp(RealMachine.Code); });
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        machine.Cpu.Interrupt(0x40);
        machine.Run();
        // The word that each block end looks at is clear, although the interrupt waits.
        Assert.True(machine.Cpu.Events.Interrupt.IsPending);
        Assert.Equal(0, machine.Cpu.State->Pending);
    }
}
