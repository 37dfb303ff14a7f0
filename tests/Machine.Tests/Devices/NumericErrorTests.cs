using FastVcpu.Machine.Boot;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>Unmasked x87 errors with CR0.NE = 0 come by IRQ 13, as on a PC/AT.</summary>
public class NumericErrorTests
{
    const long Limit = 10_000_000;
    const int RomSize = 0x1000, ResetVector = 0xFF0, Irq13 = 0x75, Timer = 8;
    const ushort Segment = 0xF000, Start = 0xF000, Service = 0xF800, Tick = 0xF900;
    const int Data = 0x500, Count = Data, Status = Data + 2, Control = Data + 4;
    const int ZeroDivide = 4, ZeroDivideUnmasked = 0x37B;

    [Fact]
    public void EachErrorIsOneInterrupt()
    {
        using BootMachine machine = Boot(
            program: a =>
            {
                Divide(a);
                a.wait();
                Divide(a);
                a.wait();
            },
            handler: a => a.fnclex());
        Assert.Equal(BootEnd.Halted, machine.Run(Limit).End);
        Assert.Equal((2, ZeroDivide), (Word(machine, Count), Word(machine, Status) & 0x3F));
    }

    [Fact]
    public void TheHandlerMayComputeWhileTheErrorIsPending()
    {
        using BootMachine machine = Boot(
            program: a =>
            {
                Divide(a);
                a.wait();
            },
            handler: a =>
            {
                a.fld1();
                a.fistp(__word_ptr[Data + 6]);
                a.fnclex();
            });
        Assert.Equal(BootEnd.Halted, machine.Run(Limit).End);
        Assert.Equal((1, 1), (Word(machine, Count), Word(machine, Data + 6)));
    }

    [Fact]
    public void OtherInterruptsComeWhileItsOwnIsMasked()
    {
        // The timer's handler lets it through.
        using BootMachine machine = Boot(
            program: a =>
            {
                Out(a, 0xA1, 0xFF);
                Divide(a);
                Out(a, 0x21, 0xFA);
                a.wait();
                a.mov(dx, __word_ptr[Count]);
            },
            handler: a => a.fnclex());
        Assert.Equal(BootEnd.Halted, machine.Run(Limit).End);
        Assert.Equal(1u, machine.Cpu.Regs.Rdx & 0xFFFF);
    }

    static int Word(BootMachine machine, int address)
    {
        byte[] value = new byte[2];
        machine.Vm.TryReadPhysical((ulong)address, value);
        return BitConverter.ToUInt16(value);
    }

    /// <summary>1 / 0 with the exception of it unmasked.</summary>
    static void Divide(Assembler a)
    {
        a.mov(__word_ptr[Control], ZeroDivideUnmasked);
        a.fninit();
        a.fldcw(__word_ptr[Control]);
        a.fld1();
        a.fldz();
        a.fdivp(st1, st0);
    }

    static void Out(Assembler a, int port, int value)
    {
        a.mov(al, (byte)value);
        a.@out((byte)port, al);
    }

    /// <summary>A ROM that sets the interrupt controllers and the timer up, runs a program, stops the timer and halts for good. The interrupt's handler counts, keeps the status and tells port F0h, before it does the rest.</summary>
    static BootMachine Boot(Action<Assembler> program, Action<Assembler> handler)
    {
        byte[] rom = new byte[RomSize];
        Assemble(rom, Start, a =>
        {
            a.xor(ax, ax);
            a.mov(ds, ax);
            a.mov(ss, ax);
            a.mov(sp, 0x7000);
            a.mov(__word_ptr[Count], ax);
            foreach ((int vector, ushort at) in new[] { (Irq13, Service), (Timer, Tick) })
            {
                a.mov(__word_ptr[vector * 4], at);
                a.mov(__word_ptr[vector * 4 + 2], cs);
            }
            (int Port, int Value)[] set =
            [
                (0x20, 0x11), (0xA0, 0x11), (0x21, 8), (0xA1, 0x70), (0x21, 4), (0xA1, 2), (0x21, 1), (0xA1, 1), (0x21, 0xFB), (0xA1, 0xDF), // 8259A pair: vectors 8 and 70h
                (0x43, 0x34), (0x40, 0), (0x40, 0x10), // 8254: every 1000h ticks
            ];
            foreach ((int port, int value) in set)
            {
                Out(a, port, value);
            }
            a.sti();
            program(a);
            a.cli();
            // The timer stops. It would make time pass while the machine sleeps, up to the limit unless the host looks earlier.
            Out(a, 0x43, 0x30);
            a.hlt();
        });
        Assemble(rom, Service, a =>
        {
            a.inc(__word_ptr[Count]);
            a.fnstsw(__word_ptr[Status]);
            Out(a, 0xF0, 0);
            handler(a);
            Out(a, 0xA0, 0x20);
            Out(a, 0x20, 0x20);
            a.iret();
        });
        Assemble(rom, Tick, a =>
        {
            Out(a, 0xA1, 0xDF);
            Out(a, 0x20, 0x20);
            a.iret();
        });
        new byte[] { 0xEA, Start & 0xFF, Start >> 8, Segment & 0xFF, Segment >> 8 }.CopyTo(rom, ResetVector);
        return new BootMachine(new BootOptions { Rom = rom, Memory = 4 << 20, Clock = new InstructionClock() });
    }

    static void Assemble(byte[] rom, ushort at, Action<Assembler> write)
    {
        Assembler a = new(16);
        write(a);
        using MemoryStream code = new();
        a.Assemble(new StreamCodeWriter(code), at);
        code.ToArray().CopyTo(rom, at - Start);
    }
}
