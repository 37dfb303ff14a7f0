using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Interrupts;

/// <summary>Several vCPUs that start and interrupt each other, on threads and in turn.</summary>
public class MultiprocessorTests
{
    const int SecondCode = 0xA000, Shared = 0x500, Counted = Shared + 2;

    /// <summary>Moves the local APIC to 1 MiB, where real mode reaches it as FFFF:0010.</summary>
    static void MoveApic(Assembler a)
    {
        a.mov(ecx, 0x1B);
        a.xor(edx, edx);
        a.mov(eax, 0x100800);
        a.wrmsr();
        a.mov(ax, 0xFFFF);
        a.mov(gs, ax);
        Apic(a, 0xF0, 0x1FF);
    }

    static void Apic(Assembler a, int register, uint value) => a.mov(__dword_ptr.gs[0x10 + register], value);

    /// <summary>The code of the first, in front of which it starts the second, and of the second, which has segments and stack.</summary>
    static RealMachine Pair(Action<Assembler> first, Action<Assembler> second, Clock? clock = null)
    {
        RealMachine machine = new(
            a =>
            {
                MoveApic(a);
                Apic(a, 0x310, 1 << 24);
                Apic(a, 0x300, 0xC500);
                Apic(a, 0x300, 0x600 | SecondCode >> 12);
                WaitFor(a, Shared, 1);
                first(a);
            },
            clock: clock,
            devices: vm => vm.CreateIrqChip());
        byte[] code = Tests.Guest.Assemble(
            16,
            a =>
            {
                a.xor(ax, ax);
                a.mov(ds, ax);
                a.mov(ss, ax);
                a.mov(sp, 0x7000);
                MoveApic(a);
                a.mov(__word_ptr[Shared], 1);
                second(a);
            },
            0);
        machine.Write(SecondCode, code);
        machine.SetHandler(0x55, a =>
        {
            a.inc(__word_ptr[Counted]);
            Apic(a, 0xB0, 0);
            a.iret();
        });
        machine.Vm.CreateVcpu(CpuModel.Max);
        return machine;
    }

    static void WaitFor(Assembler a, int address, int value)
    {
        Label wait = a.CreateLabel();
        a.Label(ref wait);
        a.pause();
        a.cmp(__word_ptr[address], value);
        a.jne(wait);
    }

    /// <summary>The first interrupts the second, each time after the last has been counted, and leaves by port F4h.</summary>
    static RealMachine Senders(int interrupts, Clock? clock = null) => Pair(
        a =>
        {
            a.xor(cx, cx);
            Label next = a.CreateLabel(), counted = a.CreateLabel();
            a.Label(ref next);
            Apic(a, 0x300, 0x55);
            a.inc(cx);
            a.Label(ref counted);
            a.pause();
            a.cmp(__word_ptr[Counted], cx);
            a.jne(counted);
            a.cmp(cx, (short)interrupts);
            a.jne(next);
            a.@out(0xF4, al);
        },
        a =>
        {
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.sti();
            a.hlt();
            a.jmp(again);
        },
        clock);

    [Fact]
    public void AVcpuOnAnotherThreadIsStartedAndWokenByInterprocessorInterrupts()
    {
        int interrupts = Background.Turns(2000);
        using RealMachine machine = Senders(interrupts);
        Vcpu second = machine.Vm.Vcpus[1];
        Assert.Equal((MpState.Runnable, MpState.Uninitialized), (machine.Cpu.MpState, second.MpState));
        Task<VcpuExit> other = Background.Run(second);
        VcpuExit exit = Background.Run(machine.Cpu).End();
        Assert.Equal((ExitReason.Io, interrupts), (exit.Reason, machine.Word(Counted)));
        second.RequestExit();
        Assert.Equal(ExitReason.Interrupted, other.End().Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(10_000)]
    public void InTurnOnOneThreadARunGoesTheSameWayEachTime(int quantum)
    {
        (long, long, ulong, ulong) Once(long chunk)
        {
            InstructionClock clock = new();
            using RealMachine machine = Senders(50, clock);
            RoundRobin turns = new(machine.Vm, quantum);
            VcpuExit exit;
            long retired = 0;
            do
            {
                exit = turns.Run(chunk);
                retired += exit.InstructionsRetired;
            }
            while (exit.Reason == ExitReason.InstructionLimit);
            Assert.Equal((ExitReason.Io, 50), (exit.Reason, machine.Word(Counted)));
            Assert.Same(machine.Cpu, turns.Current);
            return (retired, clock.Now, machine.Regs.Rflags, machine.Vm.Vcpus[1].Regs.Rip);
        }
        (long, long, ulong, ulong) first = Once(long.MaxValue);
        Assert.Equal(first.Item1, first.Item2);
        Assert.Equal(first, Once(long.MaxValue));
        Assert.Equal(first, Once(17));
    }

    [Fact]
    public void AMachineInTurnThatOnlyHaltsComesToItsLimitOrWaitsForTheOutside()
    {
        using RealMachine machine = new(a => { a.cli(); a.hlt(); }, clock: new InstructionClock(), devices: vm => { vm.CreateIrqChip(); vm.CreatePit(); });
        machine.Cpu.Run(2);
        machine.Vm.Vcpus[0].Nmi();
        RoundRobin turns = new(machine.Vm);
        Assert.Equal(ExitReason.InstructionLimit, turns.Run(1).Reason);
        using Timer timer = new(_ => machine.Cpu.RequestExit(), null, 20, Timeout.Infinite);
        machine.Cpu.MpState = MpState.Halted;
        Assert.Equal(ExitReason.Interrupted, turns.Run().Reason);
    }

    [Fact]
    public void AnInitSendsBackToWaitingAndTheFirstToItsResetVector()
    {
        using RealMachine machine = Senders(1);
        RoundRobin turns = new(machine.Vm, 100);
        Assert.Equal(ExitReason.Io, turns.Run().Reason);
        Vcpu second = machine.Vm.Vcpus[1];
        second.Regs.Rax = 5;
        second.VectorRegister(3)[0] = 9;
        machine.Cpu.Apic!.Write(0x300, [0, 0xC5, 0xC, 0]);
        turns.Run(300);
        Assert.Equal(MpState.InitReceived, second.MpState);
        Assert.Equal((0UL, 0xFFF0UL, 0xFFFF0000UL, 9), (second.Regs.Rax, second.Regs.Rip, second.Segments.Cs.Base, second.VectorRegister(3)[0]));
        Assert.Equal(0x100000UL, second.ApicBase & ~0xFFFUL);
        second.Apic!.Accept(new FastVcpu.Interrupts.ApicMessage { Mode = FastVcpu.Interrupts.DeliveryMode.Init });
        machine.Cpu.Apic!.Accept(new FastVcpu.Interrupts.ApicMessage { Mode = FastVcpu.Interrupts.DeliveryMode.Init });
        machine.Cpu.Run(0);
        machine.Cpu.SetGuestDebug(GuestDebugFlags.None);
        machine.Cpu.Run(1);
        Assert.Equal((MpState.Runnable, 0xFFFF0000UL), (machine.Cpu.MpState, machine.Cpu.Segments.Cs.Base));
    }

    [Fact]
    public void MpStateIsSetAndRead()
    {
        using RealMachine machine = Senders(1);
        Vcpu second = machine.Vm.Vcpus[1];
        second.MpState = MpState.SipiReceived;
        Assert.Equal(MpState.InitReceived, second.MpState);
        second.Apic!.Accept(new FastVcpu.Interrupts.ApicMessage { Mode = FastVcpu.Interrupts.DeliveryMode.StartUp, Vector = 0xA });
        second.Run(0);
        second.Run(1);
        Assert.Equal((MpState.Runnable, 0xA000UL, 2UL), (second.MpState, second.Segments.Cs.Base, second.Regs.Rip));
        Assert.Throws<ArgumentException>(() => second.MpState = (MpState)7);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStoreOfAnotherVcpuEndsMwait(bool inTurn)
    {
        using RealMachine machine = Pair(
            a =>
            {
                a.mov(cx, 1000);
                Label delay = a.CreateLabel();
                a.Label(ref delay);
                a.loop(delay);
                a.mov(__word_ptr[Shared + 4], 1);
                WaitFor(a, Shared, 2);
                a.@out(0xF4, al);
            },
            a =>
            {
                Label again = a.CreateLabel(), stop = a.CreateLabel();
                a.Label(ref again);
                a.mov(ax, Shared + 4);
                a.xor(ecx, ecx);
                a.xor(edx, edx);
                a.monitor();
                a.cmp(__word_ptr[Shared + 4], 1);
                a.je(stop);
                a.xor(eax, eax);
                a.mwait();
                a.jmp(again);
                a.Label(ref stop);
                a.mov(__word_ptr[Shared], 2);
                a.cli();
                a.hlt();
            },
            inTurn ? new InstructionClock() : null);
        if (inTurn)
        {
            Assert.Equal(ExitReason.Io, new RoundRobin(machine.Vm).Run(1_000_000).Reason);
            return;
        }
        Task<VcpuExit> other = Background.Run(machine.Vm.Vcpus[1]);
        Assert.Equal(ExitReason.Io, Background.Run(machine.Cpu).End().Reason);
        machine.Vm.Vcpus[1].RequestExit();
        other.End();
    }

    /// <summary>The second runs code that the first changes, and sees the change after the interrupt that announces it.</summary>
    [Fact]
    public void CodeThatAnotherVcpuWritesIsTheNewCodeAfterItsInterrupt()
    {
        const int Routine = 0xB000;
        using RealMachine machine = Pair(
            a =>
            {
                Label next = a.CreateLabel(), wait = a.CreateLabel();
                a.xor(cx, cx);
                a.Label(ref next);
                a.inc(cx);
                a.mov(__word_ptr[Routine + 1], cx);
                Apic(a, 0x300, 0x55);
                a.Label(ref wait);
                a.pause();
                a.cmp(__word_ptr[Shared + 4], cx);
                a.jne(wait);
                a.cmp(cx, (short)Background.Turns(1000));
                a.jne(next);
                a.@out(0xF4, al);
            },
            a =>
            {
                Label again = a.CreateLabel();
                a.sti();
                a.Label(ref again);
                a.db(0x9A, 0x00, 0xB0, 0x00, 0x00);
                a.mov(__word_ptr[Shared + 4], ax);
                a.jmp(again);
            });
        machine.Write(Routine, 0xB8, 0, 0, 0xCB);
        Task<VcpuExit> other = Background.Run(machine.Vm.Vcpus[1]);
        Assert.Equal(ExitReason.Io, Background.Run(machine.Cpu).End().Reason);
        machine.Vm.Vcpus[1].RequestExit();
        other.End();
    }

    [Fact]
    public void ASleeperThatMissesManyCodeChangesSeesTheLast()
    {
        using RealMachine machine = new(a => { a.mov(ax, 0); a.hlt(); }, devices: vm => vm.CreateIrqChip());
        machine.Cpu.Run(2);
        for (int i = 0; i <= 5000; i++)
        {
            machine.Write(RealMachine.Code + 1, (byte)i, (byte)(i >> 8));
        }
        machine.Cpu.MpState = MpState.Runnable;
        machine.Regs.Rip = RealMachine.Code;
        machine.Cpu.Run(1);
        Assert.Equal(5000UL, machine.Regs.Rax);
    }
}
