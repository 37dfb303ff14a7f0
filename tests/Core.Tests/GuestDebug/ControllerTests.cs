using Iced.Intel;
using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Steps and held interrupts with the interrupt controllers in the core. The clock counts instructions.</summary>
public sealed class ControllerTests
{
    const ulong Interrupt = 0x200;
    const int Vector = 0x40;
    const ushort ExitPort = 0x10;

    static RealMachine Machine(Action<Assembler> code, bool isSplit = false)
    {
        const int SpuriousVector = 0xF0;
        RealMachine machine = new(code, clock: new InstructionClock(), devices: vm =>
        {
            if (isSplit)
            {
                vm.CreateSplitIrqChip();
            }
            else
            {
                vm.CreateIrqChip();
            }
        });
        // Enables the local APIC.
        byte[] apic = machine.Cpu.LocalApicState;
        apic[SpuriousVector] = 0xFF;
        apic[SpuriousVector + 1] = 1;
        machine.Cpu.LocalApicState = apic;
        return machine;
    }

    /// <summary>HLT, then a count and an exit.</summary>
    static RealMachine Halting(bool clears = false) => Machine(a =>
    {
        if (clears)
        {
            a.cli();
        }
        a.hlt();
        a.inc(ax);
        a.@in(al, (byte)ExitPort);
    });

    static void Pend(RealMachine machine, string what)
    {
        switch (what)
        {
            case "NMI":
                machine.Cpu.Nmi();
                break;
            case "SMI":
                machine.Cpu.Smi();
                break;
            default:
                machine.Regs.Rflags |= Interrupt;
                Assert.Equal(1, machine.Vm.SignalMsi(0xFEE00000, Vector));
                break;
        }
    }

    /// <summary>Runs until a timer of the machine, which passes no time while it halts, asks for an exit.</summary>
    static void RunsIntoTheHalt(RealMachine machine, ulong rip)
    {
        ClockTimer timer = machine.Vm.Clock.CreateTimer(machine.Cpu.RequestExit);
        timer.Set(machine.Vm.Clock.Now + 1000);
        Assert.Equal(ExitReason.Interrupted, machine.Run(long.MaxValue).Reason);
        Assert.Equal((MpState.Halted, rip), (machine.Cpu.MpState, machine.Regs.Rip));
    }

    [Fact]
    public void C7_TheStepEndsBehindHltHalted()
    {
        using RealMachine machine = Halting();
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(MpState.Halted, machine.Cpu.MpState);
        machine.Cpu.Nmi();
        machine.StepsTo(RealMachine.Handler(2));
    }

    [Fact]
    public void F1_TheNmiComesBeforeTheControllersInterrupt()
    {
        using RealMachine machine = Machine(a => { a.nop(); a.nop(); });
        Pend(machine, "INTR");
        machine.Cpu.Nmi();
        machine.StepsTo(RealMachine.Handler(2));
        machine.StepsTo(RealMachine.Code);
        machine.StepsTo(RealMachine.Handler(Vector));
    }

    [Fact]
    public void F3_TheControllersInterruptIsHeldAndArrivesWhenTheFlagGoes()
    {
        using RealMachine machine = Machine(a => { a.nop(); a.nop(); a.nop(); a.nop(); });
        Pend(machine, "INTR");
        machine.StepsTo(RealMachine.Code + 1, BlockInterrupts);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(1).Reason);
        machine.StepsTo(RealMachine.Handler(Vector));
        Assert.Equal(RealMachine.Code + 2, machine.Frame.Ip);
    }

    [Fact]
    public void F5_OfASplitControllerNeitherReadyNorWindowIsReportedWhileHeld()
    {
        using RealMachine machine = Machine(a => { a.nop(); a.nop(); a.nop(); }, isSplit: true);
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.RequestInterruptWindow = true;
        machine.StepsTo(RealMachine.Code + 1, BlockInterrupts);
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
    }

    [Theory]
    [InlineData("NMI")]
    [InlineData("SMI")]
    [InlineData("INTR")]
    public void F6_WhatIsHeldEndsTheHaltAndIsNotDelivered(string what)
    {
        using RealMachine machine = Halting();
        Pend(machine, what);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        Assert.Equal((1UL, (ulong)RealMachine.Stack), (machine.Regs.Rax, machine.Regs.Rsp));
    }

    [Theory]
    [InlineData("NMI")]
    [InlineData("INTR")]
    public void F6_WhatArrivesDuringTheHaltEndsItToo(string what)
    {
        using RealMachine machine = Halting();
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        RunsIntoTheHalt(machine, RealMachine.Code + 1);
        Pend(machine, what);
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        Assert.Equal((ulong)RealMachine.Stack, machine.Regs.Rsp);
    }

    [Fact]
    public void F6_WithTheInterruptFlagClearAPendingInterruptDoesNotEndTheHalt()
    {
        using RealMachine machine = Halting(clears: true);
        Pend(machine, "INTR");
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        RunsIntoTheHalt(machine, RealMachine.Code + 2);
    }

    [Theory]
    [InlineData(BlockInterrupts, false)]
    [InlineData(None, true)]
    public void F8b_AStepNeverLandsInTheHandlerOfTheControllersInterrupt(GuestDebugFlags flags, bool lands)
    {
        using RealMachine machine = Machine(a => { a.inc(ax); a.push(ax); a.pop(bx); a.jmp(RealMachine.Code); });
        Pend(machine, "INTR");
        bool landed = false;
        for (int i = 0; i < 20; i++)
        {
            machine.Step(flags);
            landed |= machine.Regs.Rip == RealMachine.Handler(Vector);
        }
        Assert.Equal(lands, landed);
    }

    [Fact]
    public void G1_WithTheControllerInTheCoreTheEmbedderCannotQueue()
    {
        using RealMachine machine = Machine(a => a.nop());
        Assert.Throws<InvalidOperationException>(() => machine.Cpu.Interrupt(Vector));
    }

    [Fact]
    public void G1_OfASplitControllerOneCanBeQueued()
    {
        using RealMachine machine = Machine(a => a.nop(), isSplit: true);
        machine.Cpu.Interrupt(Vector);
        Assert.Throws<InvalidOperationException>(() => machine.Cpu.Interrupt(Vector));
    }
}
