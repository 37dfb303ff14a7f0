using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section G: events and state.</summary>
public class EventTests
{
    const ulong Interrupt = 0x200;

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    public void G1_VectorsAbove255AreRefused(int vector)
    {
        using RealMachine machine = new(a => a.nop());
        Assert.Throws<ArgumentOutOfRangeException>(() => machine.Cpu.Interrupt(vector));
    }

    [Fact]
    public void G1_ASecondInterruptBeforeDeliveryReplacesTheFirst()
    {
        using RealMachine machine = new(a => { a.nop(); a.sti(); a.nop(); a.nop(); });
        machine.Cpu.Interrupt(0x40);
        machine.Run(1);
        machine.Cpu.Interrupt(0x41);
        machine.Run(2);
        machine.StepsTo(RealMachine.Handler(0x41));
        Assert.False(machine.Cpu.Events.Interrupt.IsPending);
    }

    [Fact]
    public void G2_AtMostTwoNmisWaitAndOneWhileOneIsInService()
    {
        using RealMachine machine = new(a => { a.nop(); a.hlt(); });
        machine.SetHandler(2, a => { a.inc(di); a.nop(); a.iret(); });
        for (int i = 0; i < 5; i++)
        {
            machine.Cpu.Nmi();
        }
        Assert.Equal(2, machine.Cpu.Events.Nmi.Pending);
        machine.Run(1);
        Assert.Equal(new NmiEvent { Pending = 1, IsMasked = true }, machine.Cpu.Events.Nmi);
        machine.Cpu.Nmi();
        machine.Cpu.Nmi();
        Assert.Equal(1, machine.Cpu.Events.Nmi.Pending);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(2UL, machine.Regs.Rdi);
        Assert.Equal(default, machine.Cpu.Events.Nmi);
    }

    [Theory]
    [InlineData(InterruptShadow.Sti)]
    [InlineData(InterruptShadow.MovSs)]
    public void G2_AShadowDelaysTheNmiByOneInstruction(InterruptShadow shadow)
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.Cpu.Nmi();
        machine.Cpu.Events = machine.Cpu.Events with { Interrupt = new InterruptEvent { Shadow = shadow } };
        machine.StepsTo(RealMachine.Code + 1);
        machine.StepsTo(RealMachine.Handler(2));
    }

    [Fact]
    public void G4_EventsRoundTrip()
    {
        using RealMachine machine = new(a => a.nop());
        VcpuEvents[] all =
        [
            new() { Exception = new ExceptionEvent { IsPending = true, Vector = 1, HasPayload = true, Payload = 0x4000 } },
            new() { Exception = new ExceptionEvent { IsInjected = true, Vector = 13, HasErrorCode = true, ErrorCode = 0x18 } },
            new() { Interrupt = new InterruptEvent { IsInjected = true, Vector = 0x80, IsSoft = true, Shadow = InterruptShadow.Sti } },
            new() { Interrupt = new InterruptEvent { IsPending = true, Vector = 0x20, Shadow = InterruptShadow.MovSs } },
            new() { Nmi = new NmiEvent { IsInjected = true, Pending = 2, IsMasked = true } },
            new() { Smi = new SmiEvent { IsPending = true, IsInSmm = true, IsInsideNmi = true, IsInitLatched = true } },
            new() { IsTripleFaultPending = true },
        ];
        foreach (VcpuEvents events in all)
        {
            machine.Cpu.Events = events;
            Assert.Equal(events, machine.Cpu.Events);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(32)]
    [InlineData(-1)]
    public void G4_VectorsThatAreNoExceptionsAreRefused(int vector)
    {
        using RealMachine machine = new(a => a.nop());
        Assert.Throws<ArgumentException>(() => machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsPending = true, Vector = vector } });
        Assert.Throws<ArgumentException>(() => machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsInjected = true, Vector = vector } });
    }

    [Fact]
    public void G4_UnknownShadowsAndNmiCountsAreRefused()
    {
        using RealMachine machine = new(a => a.nop());
        Assert.Throws<ArgumentException>(() => machine.Cpu.Events = new VcpuEvents { Interrupt = new InterruptEvent { Shadow = (InterruptShadow)4 } });
        Assert.Throws<ArgumentException>(() => machine.Cpu.Events = new VcpuEvents { Nmi = new NmiEvent { Pending = 3 } });
    }

    [Fact]
    public void G4_APendingDebugExceptionChangesDr6OnlyWhenItIsDelivered()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsPending = true, Vector = 1, HasPayload = true, Payload = 0x4000 } };
        Assert.Equal(0xFFFF0FF0UL, machine.Cpu.DebugRegisters.Dr6);
        machine.StepsTo(RealMachine.Handler(1));
        Assert.Equal(0xFFFF4FF0UL, machine.Cpu.DebugRegisters.Dr6);
    }

    [Fact]
    public void G5_SetRegsClearsAPendingException()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsPending = true, Vector = 6 } };
        machine.Cpu.Registers = machine.Cpu.Registers with { Rax = 5 };
        Assert.Equal(default, machine.Cpu.Events.Exception);
        Assert.Equal(5UL, machine.Regs.Rax);
    }

    [Theory]
    [InlineData(0x1_FFFF_0FF0, 0x400)]
    [InlineData(0xFFFF0FF0, 0x1_0000_0400)]
    public void G5_DebugRegistersWithUpperHalvesAreRefused(ulong dr6, ulong dr7)
    {
        using RealMachine machine = new(a => a.nop());
        Assert.Throws<ArgumentException>(() => machine.Cpu.DebugRegisters = new DebugRegisters(1, 2, 3, 4, dr6, dr7));
        Assert.Equal(DebugRegisters.Reset, machine.Cpu.DebugRegisters);
        machine.Cpu.DebugRegisters = new DebugRegisters(1, 2, 3, 4, 0, 0);
        Assert.Equal(new DebugRegisters(1, 2, 3, 4, 0, 0), machine.Cpu.DebugRegisters);
    }

    [Fact]
    public void G6_ImmediateExitReturnsAtOnceAndStays()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Cpu.ImmediateExit = true;
        for (int i = 0; i < 2; i++)
        {
            VcpuExit exit = machine.Run();
            Assert.Equal((ExitReason.Interrupted, 0L), (exit.Reason, exit.InstructionsRetired));
        }
    }

    [Theory]
    [InlineData(None, ExitReason.Interrupted)]
    [InlineData(Enable | SingleStep, ExitReason.Debug)]
    public void G6_ImmediateExitCompletesAnAccessFirst(GuestDebugFlags flags, ExitReason reason)
    {
        using RealMachine machine = new(a => { a.@in(al, 0x10); a.nop(); });
        machine.Cpu.SetGuestDebug(flags);
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        machine.Cpu.IoData[0] = 0x5A;
        machine.Cpu.ImmediateExit = true;
        Assert.Equal(reason, machine.Run().Reason);
        Assert.Equal((RealMachine.Code + 2u, 0x5AUL), (machine.Regs.Rip, machine.Regs.Rax));
    }

    [Fact]
    public void G7_TheWindowOpensBeforeAnythingWhenInterruptsAreEnabled()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.RequestInterruptWindow = true;
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.InterruptWindowOpen, 0L), (exit.Reason, exit.InstructionsRetired));
    }

    [Fact]
    public void G7_ShadowOfStiDelaysTheWindowByOneInstruction()
    {
        using RealMachine machine = new(a => { a.nop(); a.sti(); a.nop(); a.nop(); });
        machine.Cpu.RequestInterruptWindow = true;
        Assert.Equal(ExitReason.InterruptWindowOpen, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 3u, machine.Regs.Rip);
    }

    [Fact]
    public void G8_TheStateOfInterruptsIsTrueAtEveryExit()
    {
        using RealMachine machine = new(a => { a.sti(); a.@out(0x10, al); a.@out(0x10, al); a.cli(); a.@out(0x10, al); });
        Assert.False(machine.Cpu.IsReadyForInterruptInjection);
        machine.Run();
        Assert.Equal((true, false), (machine.Cpu.InterruptFlag, machine.Cpu.IsReadyForInterruptInjection));
        machine.Run();
        Assert.Equal((true, true), (machine.Cpu.InterruptFlag, machine.Cpu.IsReadyForInterruptInjection));
        machine.Run();
        Assert.Equal((false, false), (machine.Cpu.InterruptFlag, machine.Cpu.IsReadyForInterruptInjection));
        Assert.Equal((0UL, 0xFEE00900UL), (machine.Cpu.Cr8, machine.Cpu.ApicBase));
    }

    [Fact]
    public void G9_NmiFirstThenTheInterruptWhenItsHandlerAllowsIt()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.SetHandler(2, a => { a.sti(); a.nop(); a.nop(); a.iret(); });
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.Nmi();
        machine.StepsTo(RealMachine.Handler(2));
        machine.StepsTo(RealMachine.Handler(2) + 1);
        machine.StepsTo(RealMachine.Handler(2) + 2);
        machine.StepsTo(RealMachine.Handler(0x40));
        Assert.Equal(RealMachine.Handler(2) + 2, machine.Frame.Ip);
    }

    [Fact]
    public void G12_ATripleFaultShutsDownWithTheRegistersAsTheyWere()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.ud2(); });
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with { Idt = default };
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
            Assert.Equal((RealMachine.Code + 1u, 1UL, (ulong)RealMachine.Stack), (machine.Regs.Rip, machine.Regs.Rax, machine.Regs.Rsp));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void G13_AChangeOfRipDropsTheCompletion(bool changes)
    {
        using RealMachine machine = new(a => { a.@in(al, 0x10); a.nop(); a.hlt(); });
        machine.Regs.Rax = 1;
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        machine.Cpu.IoData[0] = 0x77;
        machine.Regs.Rip += changes ? 2UL : 0;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(changes ? 1UL : 0x77, machine.Regs.Rax);
    }

    [Fact]
    public void G14_AnExitRequestLosesNoInstruction()
    {
        using RealMachine machine = new(a => { a.inc(eax); a.jmp(RealMachine.Code); });
        long retired = 0;
        for (int i = 0; i < 20; i++)
        {
            Thread requester = new(() => { Thread.Sleep(1); machine.Cpu.RequestExit(); });
            requester.Start();
            VcpuExit exit = machine.Cpu.Run();
            requester.Join();
            Assert.Equal(ExitReason.Interrupted, exit.Reason);
            retired += exit.InstructionsRetired;
            Assert.Equal((ulong)(uint)((retired + 1) / 2), machine.Regs.Rax);
            Assert.Equal(retired % 2 == 0 ? RealMachine.Code : RealMachine.Code + 2UL, machine.Regs.Rip);
        }
    }

    /// <summary>
    /// The guest counts its blocks, and the host's processor tells of a write some writes later: hence a few, more than a processor keeps to itself.
    /// </summary>
    [Fact]
    public void G14_ARequestFromAnotherThreadTakesEffectWithinOneBlock()
    {
        using RealMachine machine = new(a => { a.inc(__dword_ptr[bx]); a.nop(); a.nop(); a.nop(); a.jmp(RealMachine.Code); });
        machine.Regs.Rbx = RealMachine.Data;
        using SemaphoreSlim begins = new(0), ended = new(0);
        const int Rounds = 50;
        const uint WritesOnTheWay = 256;
        Thread runner = new(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                begins.Wait();
                machine.Cpu.Run();
                ended.Release();
            }
        });
        runner.Start();
        for (int i = 0; i < Rounds; i++)
        {
            uint before = Count();
            begins.Release();
            SpinWait.SpinUntil(() => Count() != before);
            machine.Cpu.RequestExit();
            uint requested = Count();
            ended.Wait();
            Assert.InRange(Count() - requested, 0u, WritesOnTheWay);
        }
        runner.Join();

        uint Count() => BitConverter.ToUInt32(machine.Read(RealMachine.Data, 4));
    }
}
