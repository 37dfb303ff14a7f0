using Iced.Intel;

namespace FastVcpu.Tests.X87;

/// <summary>x87 exceptions as a program sees them.</summary>
public sealed class ExceptionTests
{
    const int FloatingPointError = 16;
    const ushort InvalidUnmasked = 0x37E, ZeroDivideUnmasked = 0x37B;
    const ushort Pending = 0x8080;

    static Guest Run(Action<Assembler> code, ushort control = 0x37F)
    {
        Guest guest = new(64, code);
        guest.Cpu.Fpu.ControlWord = control;
        return guest.Run();
    }

    [Fact]
    public void AMaskedDivisionByZeroGivesInfinity()
    {
        using Guest guest = Run(a =>
        {
            a.fld1();
            a.fldz();
            a.fdivp(st1, st0);
        });
        Assert.True(guest.IsDone);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x7F], guest.Cpu.Fpu.Register(7).ToArray());
    }

    [Fact]
    public void AnUnmaskedExceptionIsReportedByTheNextWaitingInstruction()
    {
        using Guest guest = Run(a =>
        {
            a.fld1();
            a.fldz();
            a.fdivp(st1, st0);
            a.fnstsw(ax);
            a.fnop();
        }, ZeroDivideUnmasked);
        Assert.Equal((ExitReason.Exception, FloatingPointError), (guest.Exit.Reason, guest.Exit.Vector));
        Assert.Equal(Guest.Code + 8, guest.Regs.Rip);
        Assert.Equal(4, guest.Exit.InstructionsRetired);
        Assert.Equal(Pending | 4, (int)guest.Regs.Rax & (Pending | 0x3F));
        // No result, no pop.
        Assert.Equal(6, guest.Cpu.Fpu.StatusWord >> 11 & 7);
        Assert.Equal((Guest.Code + 4, 0x6F9), (guest.Cpu.Fpu.LastInstructionPointer, guest.Cpu.Fpu.LastOpcode));
    }

    [Fact]
    public void WaitReportsToo()
    {
        using Guest guest = Run(a =>
        {
            a.fchs();
            a.wait();
        }, InvalidUnmasked);
        Assert.Equal((FloatingPointError, Guest.Code + 2), (guest.Exit.Vector, guest.Regs.Rip));
    }

    [Fact]
    public void InstructionsThatDoNotWaitRunWithAnExceptionPending()
    {
        using Guest guest = Run(a =>
        {
            a.fchs();
            a.fnstcw(__word_ptr[Guest.Data]);
            a.fnstsw(__word_ptr[Guest.Data + 2]);
            a.fnstenv(__[Guest.Data + 4]);
            a.fnclex();
            a.fninit();
            a.fld1();
        }, InvalidUnmasked);
        Assert.True(guest.IsDone);
        Assert.Equal(InvalidUnmasked, guest.Space.Read<ushort>(Guest.Data));
        Assert.Equal(Pending | 0x41, guest.Space.Read<ushort>(Guest.Data + 2));
    }

    [Fact]
    public void UnmaskingARaisedExceptionMakesItPending()
    {
        using Guest guest = new(64, a =>
        {
            a.fchs();
            a.mov(__dword_ptr[Guest.Data], InvalidUnmasked);
            a.fldcw(__word_ptr[Guest.Data]);
            a.fnop();
        });
        guest.Run();
        Assert.Equal((FloatingPointError, 3), (guest.Exit.Vector, (int)guest.Exit.InstructionsRetired));
    }

    [Fact]
    public void APendingExceptionComesBeforeAPageFault()
    {
        using Guest guest = Run(a =>
        {
            a.fchs();
            a.fld(__qword_ptr[0]);
        }, InvalidUnmasked);
        Assert.Equal(FloatingPointError, guest.Exit.Vector);
    }

    [Fact]
    public void AStoreThatFaultsChangesNothing()
    {
        using Guest guest = Run(a =>
        {
            a.fldpi();
            a.fstp(__dword_ptr[0]);
        });
        Assert.Equal(Guest.PageFault, guest.Exit.Vector);
        Assert.Equal((0x3800, (byte)0x80), (guest.Cpu.Fpu.StatusWord, guest.Cpu.Fpu.AbridgedTag));
    }

    [Fact]
    public void StackOverflowAndUnderflowDifferInC1()
    {
        using Guest guest = Run(a =>
        {
            a.fchs();
            a.fnstsw(ax);
            a.fninit();
            for (int i = 0; i < 9; i++)
            {
                a.fldz();
            }
        });
        Assert.True(guest.IsDone);
        Assert.Equal(0x041, (int)guest.Regs.Rax & 0x27F);
        Assert.Equal(0x241, guest.Cpu.Fpu.StatusWord & 0x27F);
    }
}
