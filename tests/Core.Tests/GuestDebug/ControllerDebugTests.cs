using FastVcpu.Interrupts;
using static FastVcpu.GuestDebugFlags;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Statements about the controllers in the core: C7, F2 to F8 and G1 with them.</summary>
public class ControllerDebugTests
{
    const ulong Interrupt = 0x200, ApicPage = 0xFEE00000;
    const byte Vector = 0x44;

    /// <summary>A vCPU with an enabled local APIC in the core, DS on its page.</summary>
    static RealMachine Create(Action<Iced.Intel.Assembler> code, bool isSplit = false, ulong flags = Interrupt)
    {
        RealMachine machine = new(code, devices: vm =>
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
        machine.Cpu.Apic!.Write(ApicRegister.SpuriousVector, [0xFF, 1, 0, 0]);
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = ApicPage };
        machine.Regs.Rflags |= flags;
        return machine;
    }

    static void Nops(Iced.Intel.Assembler a)
    {
        for (int i = 0; i < 20; i++)
        {
            a.nop();
        }
    }

    static void HaltAndNops(Iced.Intel.Assembler a)
    {
        a.hlt();
        Nops(a);
    }

    static void Signal(RealMachine machine) => Assert.Equal(1, machine.Vm.SignalMsi(ApicPage, Vector));

    [Fact]
    public void C7_AStepOverHltEndsBehindItHalted()
    {
        using RealMachine machine = Create(HaltAndNops);
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(MpState.Halted, machine.Cpu.MpState);
        Signal(machine);
        machine.StepsTo(RealMachine.Handler(Vector));
        Assert.Equal((MpState.Runnable, (ushort)(RealMachine.Code + 1)), (machine.Cpu.MpState, machine.Frame.Ip));
    }

    [Fact]
    public void C7_AStepOverAnAccessOfTheLocalApicIsOneStep()
    {
        using RealMachine machine = Create(a => { a.mov(__dword_ptr[0x80], 0x20); a.mov(eax, __dword_ptr[0x80]); a.nop(); }, flags: 0);
        ulong second = RealMachine.Code + 9, third = machine.CodeEnd - 1;
        machine.StepsTo(second);
        machine.StepsTo(third);
        Assert.Equal((0x20UL, 2UL), (machine.Regs.Rax, machine.Cpu.Cr8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void F2_TheInterruptOfAControllerIsHeldAndF3_ArrivesAfterwards(bool isExternal)
    {
        using RealMachine machine = Create(Nops);
        if (isExternal)
        {
            machine.Vm.PicState = (machine.Vm.PicState.Master with { VectorBase = 0x40 }, machine.Vm.PicState.Slave);
            machine.Vm.SetIrqLine(4, true);
        }
        else
        {
            Signal(machine);
        }
        for (uint i = 1; i < 10; i++)
        {
            machine.StepsTo(RealMachine.Code + i, BlockInterrupts);
        }
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(5).Reason);
        Assert.Equal(RealMachine.Code + 14u, machine.Regs.Rip);
        machine.StepsTo(RealMachine.Handler(Vector));
    }

    [Fact]
    public void F5_NeitherReadyNorWindowIsReportedWhileHeldUnderASplitController()
    {
        using RealMachine machine = Create(Nops, isSplit: true);
        machine.Cpu.RequestInterruptWindow = true;
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(3).Reason);
        machine.Cpu.SetGuestDebug(Enable);
        Assert.Equal(ExitReason.InterruptWindowOpen, machine.Run(3).Reason);
        Assert.True(machine.Cpu.IsReadyForInterruptInjection);
    }

    [Fact]
    public void F5_WithThePicInTheCoreThereIsNoWindowAndItIsAlwaysReady()
    {
        using RealMachine machine = Create(Nops, flags: 0);
        machine.Cpu.RequestInterruptWindow = true;
        Assert.True(machine.Cpu.IsReadyForInterruptInjection);
        machine.Regs.Rflags |= Interrupt;
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(3).Reason);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
    }

    [Theory]
    [InlineData("interrupt")]
    [InlineData("nmi")]
    [InlineData("smi")]
    public void F6_WhatIsHeldEndsTheHaltAndExecutionGoesOnBehindItWithoutDelivery(string what)
    {
        using RealMachine machine = Create(HaltAndNops);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        switch (what)
        {
            case "interrupt":
                Signal(machine);
                break;
            case "nmi":
                machine.Cpu.Nmi();
                break;
            default:
                machine.Cpu.Smi();
                break;
        }
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(10).Reason);
        Assert.Equal((RealMachine.Code + 10UL, MpState.Runnable), (machine.Regs.Rip, machine.Cpu.MpState));
    }

    [Fact]
    public async Task F6_AHaltWithInterruptsOffAndOneWithNothingPendingWait()
    {
        using RealMachine machine = Create(HaltAndNops, flags: 0);
        Signal(machine);
        machine.Cpu.SetGuestDebug(Enable | BlockInterrupts);
        Task<VcpuExit> run = Background.Run(machine.Cpu, 5);
        Background.Until(() => machine.Cpu.MpState == MpState.Halted);
        await Task.Delay(20);
        Assert.False(run.IsCompleted);
        machine.Cpu.Nmi();
        Assert.Equal(ExitReason.InstructionLimit, run.End().Reason);
        Assert.Equal(RealMachine.Code + 5UL, machine.Regs.Rip);
        Assert.Equal(1, machine.Cpu.Events.Nmi.Pending);
    }

    [Fact]
    public void F8_ResumingFromABreakpointMakesProgressAndStepsStayOutOfTheHandlerOfARunningTimer()
    {
        using RealMachine machine = Create(a =>
        {
            Iced.Intel.Label again = a.CreateLabel();
            a.Label(ref again);
            a.nop();
            a.inc(bx);
            a.jmp(again);
        });
        Write(machine, ApicRegister.DivideConfiguration, 0xB);
        Write(machine, ApicRegister.LvtTimer, 0x2_0000 | Vector);
        Write(machine, ApicRegister.InitialCount, 100_000);
        Background.Until(() => machine.Cpu.Apic!.HasInterrupt);
        for (int i = 0; i < 300; i++)
        {
            VcpuExit exit = machine.Step(BlockInterrupts);
            Assert.Equal(ExitReason.Debug, exit.Reason);
            Assert.InRange(machine.Regs.Rip, RealMachine.Code, machine.CodeEnd);
        }
        Assert.Equal(100UL, machine.Regs.Rbx);
        machine.StepsTo(RealMachine.Handler(Vector));
        Assert.Equal(0, machine.Frame.Flags & 0x100);
    }

    static void Write(RealMachine machine, int register, uint value) => machine.Cpu.Apic!.Write((ulong)register, BitConverter.GetBytes(value));

    [Fact]
    public void G1_InterruptIsForTheEmbeddersControllerOnly()
    {
        using RealMachine full = Create(Nops), split = Create(Nops, isSplit: true), none = new(Nops);
        Assert.Throws<InvalidOperationException>(() => full.Cpu.Interrupt(0x40));
        Assert.Throws<ArgumentOutOfRangeException>(() => full.Cpu.Interrupt(256));
        split.Cpu.Interrupt(0x40);
        Assert.Throws<InvalidOperationException>(() => split.Cpu.Interrupt(0x41));
        split.StepsTo(RealMachine.Handler(0x40));
        split.Cpu.Interrupt(0x41);
        none.Cpu.Interrupt(0x40);
        none.Cpu.Interrupt(0x41);
    }

    [Fact]
    public void G1_TheEmbeddersInterruptWaitsUntilLint0LetsItThrough()
    {
        using RealMachine machine = Create(Nops, isSplit: true);
        Write(machine, ApicRegister.LvtLint0, 0x1_0700);
        machine.Cpu.Interrupt(0x40);
        machine.StepsTo(RealMachine.Code + 1);
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
        Write(machine, ApicRegister.LvtLint0, 0x700);
        machine.StepsTo(RealMachine.Handler(0x40));
    }

    [Fact]
    public void G4_AnInitInSystemManagementModeIsLatched()
    {
        using RealMachine machine = Create(Nops);
        machine.Cpu.Events = machine.Cpu.Events with { Smi = new SmiEvent { IsInSmm = true } };
        machine.Cpu.Apic!.Accept(new ApicMessage { Mode = DeliveryMode.Init });
        machine.Run(2);
        Assert.Equal(RealMachine.Code + 2UL, machine.Regs.Rip);
        Assert.True(machine.Cpu.Events.Smi.IsInitLatched);
        machine.Cpu.Events = machine.Cpu.Events with { Smi = new SmiEvent { IsInitLatched = true } };
        machine.Run(0);
        machine.Run(1);
        Assert.Equal(0xFFFF0000UL, machine.Cpu.Segments.Cs.Base);
    }
}
