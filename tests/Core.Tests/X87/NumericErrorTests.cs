using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.X87;

/// <summary>Unmasked x87 errors with CR0.NE = 0: by the pins FERR# and IGNNE#.</summary>
public sealed class NumericErrorTests
{
    const int Irq13 = 0x75, FloatingPoint = 16;
    const ushort ZeroDivide = 4, Pending = 0x8080, ZeroDivideUnmasked = 0x37B;

    [Fact]
    public void TheNextWaitingInstructionWaitsForAnInterrupt()
    {
        using RealMachine machine = new(a => { a.sti(); Divide(a); a.fnstsw(ax); a.wait(); a.mov(ebx, 1); a.hlt(); });
        machine.SetHandler(Irq13, a => { a.fnclex(); a.iret(); });
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.NumericError, true), (exit.Reason, machine.Cpu.NumericError));
        Assert.Equal(Pending | ZeroDivide, (int)machine.Regs.Rax & (Pending | 0x3F));
        ulong waiting = machine.Regs.Rip;
        exit = machine.Run();
        Assert.Equal((ExitReason.NumericError, 0L, waiting), (exit.Reason, exit.InstructionsRetired, machine.Regs.Rip));
        machine.Cpu.Interrupt(Irq13);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((1UL, false), (machine.Regs.Rbx, machine.Cpu.NumericError));
    }

    [Fact]
    public void IgnoredErrorsStayPending()
    {
        using RealMachine machine = new(a => { Divide(a); a.fld1(); a.wait(); a.fnstsw(ax); a.hlt(); });
        Assert.Equal(ExitReason.NumericError, machine.Run().Reason);
        machine.Cpu.IgnoreNumericError = true;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(Pending | ZeroDivide, (int)machine.Regs.Rax & (Pending | 0x3F));
        Assert.True(machine.Cpu.NumericError);
    }

    /// <summary>The run came to no end: the error was found anew when the device had answered.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnInstructionThatIgnoresTheErrorMayReadFromADevice(bool isOfTheMachine)
    {
        byte[] pi = [0x35, 0xC2, 0x68, 0x21, 0xA2, 0xDA, 0x0F, 0xC9, 0x00, 0x40];
        using RealMachine machine = new(
            a =>
            {
                Divide(a);
                a.mov(ax, 0xFFFF);
                a.mov(es, ax);
                a.fld(__tword_ptr.es[0x10]);
                a.fstp(__tword_ptr[RealMachine.Data]);
                a.hlt();
            },
            devices: vm =>
            {
                if (isOfTheMachine)
                {
                    vm.AttachMemory(RealMachine.Size, (ulong)pi.Length, new Constant(pi));
                }
            });
        Assert.Equal(ExitReason.NumericError, machine.Run().Reason);
        machine.Cpu.IgnoreNumericError = true;
        VcpuExit exit;
        List<(ulong Address, int Size)> parts = [];
        while ((exit = machine.Run()).Reason == ExitReason.Mmio && parts.Count < 2)
        {
            parts.Add((exit.Address, exit.Size));
            pi.AsSpan((int)(exit.Address - RealMachine.Size), exit.Size).CopyTo(machine.Cpu.MmioData);
        }
        Assert.Equal(ExitReason.Hlt, exit.Reason);
        Assert.Equal(isOfTheMachine ? [] : [(RealMachine.Size, 8), (RealMachine.Size + 8, 2)], parts);
        Assert.Equal(pi, machine.Read(RealMachine.Data, pi.Length));
    }

    /// <summary>The pin means nothing with CR0.NE = 1.</summary>
    [Fact]
    public void AnErrorIsAnExceptionOnceTheGuestWantsIt()
    {
        using RealMachine machine = new(a =>
        {
            Divide(a);
            a.wait();
            a.mov(eax, cr0);
            a.or(eax, 0x20);
            a.mov(cr0, eax);
            a.wait();
            a.hlt();
        });
        machine.SetHandler(FloatingPoint, a => { a.mov(bx, 1); a.hlt(); });
        Assert.Equal(ExitReason.NumericError, machine.Run().Reason);
        machine.Cpu.IgnoreNumericError = true;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(1UL, machine.Regs.Rbx & 0xFFFF);
    }

    public static TheoryData<string, Action<Assembler>> WaysToClear => new()
    {
        { "FNCLEX", a => a.fnclex() },
        { "FNINIT", a => a.fninit() },
        { "FNSAVE", a => a.fnsave(__[RealMachine.Data]) },
        { "FNSTENV", a => a.fnstenv(__[RealMachine.Data]) },
        { "FXRSTOR", a => a.fxrstor(__[RealMachine.Data + 0x10]) },
    };

    [Theory]
    [MemberData(nameof(WaysToClear))]
    public void ErrorsAreIgnoredUpToTheEndOfTheFirst(string name, Action<Assembler> clear)
    {
        using RealMachine machine = new(a => { a.fxsave(__[RealMachine.Data + 0x10]); Divide(a); a.fld1(); clear(a); a.hlt(); });
        machine.Cpu.IgnoreNumericError = true;
        Assert.False(machine.Cpu.IgnoreNumericError);
        Assert.Equal(ExitReason.NumericError, machine.Run().Reason);
        machine.Cpu.IgnoreNumericError = true;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.False(machine.Cpu.NumericError || machine.Cpu.IgnoreNumericError, name);
    }

    [Theory]
    [InlineData("max", true)]
    [InlineData("386", false)]
    [InlineData("80286", false)]
    public void WithNumericErrorOrOnModelsWithoutItItIsAnException(string model, bool setsNumericError)
    {
        using RealMachine machine = new(
            a =>
            {
                if (setsNumericError)
                {
                    a.mov(eax, cr0);
                    a.or(eax, 0x20);
                    a.mov(cr0, eax);
                }
                Divide(a);
                a.wait();
                a.hlt();
            },
            CpuModel.Find(model)!);
        machine.SetHandler(FloatingPoint, a => { a.mov(bx, 1); a.hlt(); });
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((1UL, false), (machine.Regs.Rbx & 0xFFFF, machine.Cpu.NumericError));
    }

    [Fact]
    public void MmxInstructionsWaitToo()
    {
        using RealMachine machine = new(a => { Divide(a); a.pxor(mm0, mm0); a.hlt(); });
        Assert.Equal(ExitReason.NumericError, machine.Run().Reason);
    }

    /// <summary>1 / 0 with the exception of it unmasked.</summary>
    static void Divide(Assembler a)
    {
        a.mov(__word_ptr[RealMachine.Data], ZeroDivideUnmasked);
        a.fninit();
        a.fldcw(__word_ptr[RealMachine.Data]);
        a.fld1();
        a.fldz();
        a.fdivp(st1, st0);
    }

    /// <summary>Gives the same bytes again and again.</summary>
    sealed class Constant(byte[] bytes) : IDevice
    {
        public void Read(ulong offset, Span<byte> data) => bytes.AsSpan((int)offset, data.Length).CopyTo(data);

        public void Write(ulong offset, ReadOnlySpan<byte> data)
        {
        }
    }
}
