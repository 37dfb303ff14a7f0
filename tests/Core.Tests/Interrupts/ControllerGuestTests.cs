using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Interrupts;

/// <summary>Guests on the controllers in the core, from the line to the handler.</summary>
public class ControllerGuestTests
{
    const ulong ApicBase = 0xFEE00000, InterruptFlag = 0x200;
    const int TickVector = 0x20;

    /// <summary>The 8259A from vector 20h on, all but input 0 masked.</summary>
    static void StartPic(Assembler a) => Out(a, (0x20, 0x11), (0x21, TickVector), (0x21, 4), (0x21, 1), (0x21, 0xFE));

    /// <summary>The 8254 at 1 kHz too.</summary>
    static void StartTimer(Assembler a)
    {
        StartPic(a);
        Out(a, (0x43, 0x34), (0x40, 1193 & 0xFF), (0x40, 1193 >> 8));
    }

    static void Out(Assembler a, params (int Port, int Value)[] writes)
    {
        foreach ((int port, int value) in writes)
        {
            a.mov(al, (byte)value);
            a.@out((byte)port, al);
        }
    }

    /// <summary>Halts until ten ticks have come.</summary>
    static RealMachine TickCounter(Clock clock)
    {
        RealMachine machine = new(
            a =>
            {
                StartTimer(a);
                Label again = a.CreateLabel();
                a.xor(bx, bx);
                a.Label(ref again);
                a.sti();
                a.hlt();
                a.cli();
                a.cmp(bx, 10);
                a.jb(again);
                a.@out(0xF4, al);
            },
            clock: clock,
            devices: vm =>
            {
                vm.CreateIrqChip();
                vm.CreatePit();
            });
        machine.SetHandler(TickVector, a =>
        {
            a.inc(bx);
            a.mov(al, 0x20);
            a.@out(0x20, al);
            a.iret();
        });
        return machine;
    }

    [Fact]
    public void TheTimerWakesAHaltedGuestInRealTime()
    {
        RealClock clock = new();
        using RealMachine machine = TickCounter(clock);
        VcpuExit exit = machine.Run(100_000);
        Assert.Equal((ExitReason.Io, (ushort)0xF4, 10UL), (exit.Reason, exit.Port, machine.Regs.Rbx));
        Assert.True(clock.Now >= 10 * 999_000);
    }

    [Fact]
    public void OnTheCountingClockARunGoesTheSameWayEachTimeAndHaltingTakesNoHostTime()
    {
        (long, long) Once()
        {
            InstructionClock clock = new();
            using RealMachine machine = TickCounter(clock);
            VcpuExit exit = machine.Run(100_000);
            Assert.Equal((ExitReason.Io, 10UL), (exit.Reason, machine.Regs.Rbx));
            return (exit.InstructionsRetired, clock.Now);
        }
        (long instructions, long time) = Once();
        Assert.Equal((instructions, time), Once());
        Assert.InRange(time, 9_990_000, 10_010_000);
        Assert.InRange(instructions, 50, 200);
    }

    [Fact]
    public void AnInterruptOfARunningLoopComesAtItsExactInstruction()
    {
        static (ulong, long) Once(long chunk)
        {
            InstructionClock clock = new();
            using RealMachine machine = new(
                a =>
                {
                    StartTimer(a);
                    a.sti();
                    a.xor(ecx, ecx);
                    Label again = a.CreateLabel();
                    a.Label(ref again);
                    a.inc(ecx);
                    a.add(dx, cx);
                    a.xor(si, dx);
                    a.jmp(again);
                },
                clock: clock,
                devices: vm =>
                {
                    vm.CreateIrqChip();
                    vm.CreatePit();
                });
            machine.SetHandler(TickVector, a => a.@out(0xF4, al));
            VcpuExit exit;
            do
            {
                exit = machine.Run(chunk);
            }
            while (exit.Reason == ExitReason.InstructionLimit);
            Assert.Equal(ExitReason.Io, exit.Reason);
            return (machine.Regs.Rcx, clock.Now);
        }
        (ulong count, long time) = Once(1_000_000_000);
        Assert.InRange(count, 240_000UL, 260_000UL);
        Assert.Equal((count, time), Once(1_000_000_000));
        Assert.Equal((count, time), Once(7_777));
    }

    /// <summary>A machine whose DS is the local APIC's page, software-enabled.</summary>
    static RealMachine WithApicPage(Action<Assembler> code, Clock? clock = null)
    {
        RealMachine machine = new(
            a =>
            {
                a.mov(__dword_ptr[0xF0], 0x1FF);
                code(a);
            },
            clock: clock,
            devices: vm => vm.CreateIrqChip());
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = ApicBase, Limit = 0xFFFFFFFF };
        return machine;
    }

    [Fact]
    public void ASelfIpiIsTakenRightAfterTheInstruction()
    {
        using RealMachine machine = WithApicPage(a =>
        {
            a.sti();
            a.nop();
            a.mov(__dword_ptr[0x300], 0x40044);
            a.inc(ax);
            a.inc(ax);
            a.cli();
            a.hlt();
        });
        machine.SetHandler(0x44, a =>
        {
            a.mov(bx, ax);
            a.mov(__dword_ptr[0xB0], 0);
            a.iret();
        });
        machine.Regs.Rbx = 77;
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(11).Reason);
        Assert.Equal((0UL, 2UL), (machine.Regs.Rbx, machine.Regs.Rax));
        Assert.Equal(MpState.Halted, machine.Cpu.MpState);
    }

    [Fact]
    public void LoweringCr8LetsTheInterruptThroughWithoutAnExit()
    {
        using RealMachine machine = WithApicPage(a =>
        {
            a.mov(__dword_ptr[0x80], 0x60);
            a.mov(__dword_ptr[0x300], 0x40044);
            a.sti();
            a.nop();
            a.nop();
            a.mov(__dword_ptr[0x80], 0x30);
            a.nop();
            a.hlt();
        });
        machine.SetHandler(0x44, a => a.@out(0xF4, al));
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Io, 7L, 3UL), (exit.Reason, exit.InstructionsRetired, machine.Cpu.Cr8));
    }

    [Fact]
    public void TheLocalTimerInterruptsAtItsInstructionInDeterministicTime()
    {
        using RealMachine machine = WithApicPage(
            a =>
            {
                a.mov(__dword_ptr[0x3E0], 0xB);
                a.mov(__dword_ptr[0x320], 0x41);
                a.sti();
                a.mov(__dword_ptr[0x380], 1000);
                Label again = a.CreateLabel();
                a.Label(ref again);
                a.inc(ax);
                a.jmp(again);
            },
            new InstructionClock());
        machine.SetHandler(0x41, a => a.@out(0xF4, al));
        VcpuExit exit = machine.Run(100_000);
        Assert.Equal(ExitReason.Io, exit.Reason);
        // The write of the count takes place in front of its own retirement.
        Assert.Equal((1004L, 500UL), (exit.InstructionsRetired, machine.Regs.Rax));
    }

    [Fact]
    public void AHaltedGuestIsWokenByALineAnMsiAnNmiAndAnExitRequest()
    {
        using RealMachine machine = new(
            a =>
            {
                StartPic(a);
                a.sti();
                for (int i = 0; i < 4; i++)
                {
                    a.hlt();
                    a.inc(__word_ptr[RealMachine.Data]);
                }
            },
            devices: vm => vm.CreateIrqChip());
        machine.Cpu.Apic!.Write(0xF0, [0xFF, 1, 0, 0]);
        machine.SetHandler(TickVector, a =>
        {
            a.mov(al, 0x20);
            a.@out(0x20, al);
            a.iret();
        });
        Action[] wakers =
        [
            () => machine.Vm.SetIrqLine(0, true),
            () => machine.Vm.SignalMsi(ApicBase, 0x66),
            machine.Cpu.Nmi,
            machine.Cpu.RequestExit,
        ];
        Task<VcpuExit> run = Background.Run(machine.Cpu);
        for (int i = 0; i < wakers.Length; i++)
        {
            Background.Until(() => machine.Cpu.MpState == MpState.Halted && machine.Word(RealMachine.Data) == i);
            wakers[i]();
        }
        Assert.Equal(ExitReason.Interrupted, run.End().Reason);
        Assert.Equal((3, MpState.Halted), (machine.Word(RealMachine.Data), machine.Cpu.MpState));
    }
}
