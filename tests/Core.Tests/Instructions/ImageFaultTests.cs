using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Instructions;

/// <summary>
/// Which fault an operand of many bytes has when several are possible, and what CR2 says: what the manuals leave to the processor. Expected is what hardware does (Zen 5), found by tens of thousands
/// of random operands of each instruction.
/// </summary>
public sealed class ImageFaultTests
{
    const ulong End = Guest.Data + Guest.DataSize, AlignmentFlag = 1 << 18;
    const int StackFault = 12, SimdFloatingPoint = 19, SegmentSize = 0x1000;

    public enum Does
    {
        Fxsave,
        Fxrstor,
        Xsave,
        Xrstor,
        Fnsave,
        Frstor,
        Maskmovdqu,
        Vmaskmovdqu,
        Fld,
        Fstp,
        Bound,
    }

    static void Emit(Assembler a, Does what, AssemblerMemoryOperand at)
    {
        switch (what)
        {
            case Does.Fxsave:
                a.fxsave(at);
                break;
            case Does.Fxrstor:
                a.fxrstor(at);
                break;
            case Does.Xsave:
                a.xsave(at);
                break;
            case Does.Xrstor:
                a.xrstor(at);
                break;
            case Does.Fnsave:
                a.fnsave(at);
                break;
            case Does.Frstor:
                a.frstor(at);
                break;
            case Does.Maskmovdqu:
                a.maskmovdqu(xmm0, xmm1);
                break;
            case Does.Fld:
                a.fld(__tbyte_ptr[edi]);
                break;
            case Does.Bound:
                a.bound(ecx, at);
                break;
            case Does.Fstp:
                a.fstp(__tbyte_ptr[edi]);
                break;
            default:
                a.vmaskmovdqu(xmm0, xmm1);
                break;
        }
    }

    /// <summary>Runs one of them with the address in RDI.</summary>
    static Guest At(Does what, ulong address, bool checksAlignment = false, uint requested = 7)
    {
        Guest guest = new(64, a => Emit(a, what, __[rdi]));
        guest.Regs.Rdi = address;
        guest.Regs.Rax = requested;
        guest.Regs.Rflags |= checksAlignment ? AlignmentFlag : 0;
        guest.Run();
        return guest;
    }

    [Theory]
    [InlineData(Does.Fxsave)]
    [InlineData(Does.Fxrstor)]
    public void AMisalignedFirstFieldIsAnAlignmentCheckAndAMisalignedImageIsNot(Does what)
    {
        foreach ((ulong offset, bool checksAlignment, int vector) in new[] { (2ul, true, Guest.AlignmentCheck), (15ul, true, Guest.AlignmentCheck),
            (4ul, true, Guest.GeneralProtection), (8ul, true, Guest.GeneralProtection), (2ul, false, Guest.GeneralProtection) })
        {
            using Guest guest = At(what, Guest.Data + offset, checksAlignment);
            Assert.Equal(vector, guest.Exit.Vector);
        }
    }

    [Theory]
    [InlineData(Does.Xsave)]
    [InlineData(Does.Xrstor)]
    public void AnExtendedImageKnowsNoAlignmentCheck(Does what)
    {
        using Guest guest = At(what, Guest.Data + 2, checksAlignment: true);
        Assert.Equal(Guest.GeneralProtection, guest.Exit.Vector);
    }

    [Theory]
    [InlineData(Does.Maskmovdqu)]
    [InlineData(Does.Vmaskmovdqu)]
    public void AMaskedMoveWantsTheAlignmentOfItsHalves(Does what)
    {
        using Guest aligned = At(what, Guest.Data + 8, checksAlignment: true), misaligned = At(what, Guest.Data + 4, checksAlignment: true);
        Assert.True(aligned.IsDone);
        Assert.Equal(Guest.AlignmentCheck, misaligned.Exit.Vector);
    }

    /// <summary>Where the page fault is, from the start of the image, which begins before the end of the memory, or before its start.</summary>
    [Theory]
    [InlineData(Does.Fxsave, 7, 0x100, 0x1FF, 6)]
    [InlineData(Does.Fxsave, 7, 0x1B0, 0x1FF, 6)]
    [InlineData(Does.Fxsave, 7, -0x100, 0, 6)]
    [InlineData(Does.Fxrstor, 7, 0x100, 0x1FF, 4)]
    [InlineData(Does.Fxrstor, 7, -0x100, 0, 4)]
    [InlineData(Does.Xsave, 7, 0x100, 0x33F, 6)]
    [InlineData(Does.Xsave, 3, 0x100, 0x23F, 6)]
    [InlineData(Does.Xsave, 7, -0x100, 0, 6)]
    [InlineData(Does.Xrstor, 7, 0x100, 0x200, 4)]
    [InlineData(Does.Xrstor, 7, 0x240, 0x33F, 4)]
    [InlineData(Does.Xrstor, 7, -0x100, 0, 4)]
    public void AnImageThatReachesIntoAnotherPageReportsTheByteThatIsLookedAtFirst(Does what, uint requested, int before, ulong faulting, uint errorCode)
    {
        ulong address = before > 0 ? End - (ulong)before : Guest.Data + (ulong)before;
        using Guest guest = At(what, address, requested: requested);
        Assert.Equal((Guest.PageFault, errorCode, address + faulting), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address));
    }

    [Fact]
    public void OutsideOf64BitModeTheAreaIsAsLarge()
    {
        using Guest guest = new(32, a => a.xsave(__[edi]));
        guest.Regs.Rdi = End - 0x2C0;
        guest.Regs.Rax = 7;
        guest.Run();
        Assert.Equal((Guest.PageFault, End + 0x7F), (guest.Exit.Vector, guest.Exit.Address));
    }

    /// <summary>Operands that begin before the end of a stack segment and reach beyond it.</summary>
    [Theory]
    [InlineData(Does.Fxrstor, 0x100, false, StackFault)]
    [InlineData(Does.Fxrstor, 0xFF, false, Guest.GeneralProtection)]
    [InlineData(Does.Fxrstor, 0xFF, true, Guest.AlignmentCheck)]
    [InlineData(Does.Fxrstor, 3, true, StackFault)]
    [InlineData(Does.Fxsave, 0xFC, true, Guest.GeneralProtection)]
    [InlineData(Does.Xsave, 0x80, false, StackFault)]
    [InlineData(Does.Xsave, 0x81, true, Guest.GeneralProtection)]
    [InlineData(Does.Xrstor, -0x81, true, Guest.GeneralProtection)]
    [InlineData(Does.Fnsave, 0x20, true, StackFault)]
    [InlineData(Does.Fnsave, 0x21, true, Guest.AlignmentCheck)]
    [InlineData(Does.Frstor, 0x21, true, Guest.AlignmentCheck)]
    [InlineData(Does.Frstor, 1, true, StackFault)]
    public void TheOrderOfLimitAndAlignment(Does what, int before, bool checksAlignment, int vector)
    {
        using Guest guest = new(32, a => Emit(a, what, __.ss[edi]));
        guest.Cpu.Segments.Ss = Data();
        guest.Regs.Rdi = (ulong)(SegmentSize - before);
        guest.Regs.Rax = 7;
        guest.Regs.Rflags |= checksAlignment ? AlignmentFlag : 0;
        guest.Run();
        Assert.Equal(vector, guest.Exit.Vector);
    }

    [Theory]
    [InlineData(13, Guest.AlignmentCheck)]
    [InlineData(8, Guest.GeneralProtection)]
    [InlineData(5, Guest.GeneralProtection)]
    public void TheFirstHalfOfAMaskedMoveIsCheckedBeforeTheSecond(int before, int vector)
    {
        using Guest guest = new(32, a => a.maskmovdqu(xmm0, xmm1));
        guest.Cpu.Segments.Ds = Data();
        guest.Regs.Rdi = (ulong)(SegmentSize - before);
        guest.Regs.Rflags |= AlignmentFlag;
        guest.Run();
        Assert.Equal(vector, guest.Exit.Vector);
    }

    /// <summary>Near the end of a segment that expands down, in which the first part has no memory and the rest is beyond the limit.</summary>
    [Theory]
    [InlineData(Does.Maskmovdqu, 8, Guest.PageFault)]
    [InlineData(Does.Maskmovdqu, 7, Guest.GeneralProtection)]
    [InlineData(Does.Xsave, 0x40, Guest.PageFault)]
    [InlineData(Does.Xrstor, 0x40, Guest.PageFault)]
    [InlineData(Does.Fxrstor, 0x40, Guest.GeneralProtection)]
    [InlineData(Does.Fnsave, 4, Guest.PageFault)]
    [InlineData(Does.Fnsave, 3, Guest.GeneralProtection)]
    [InlineData(Does.Frstor, 4, Guest.PageFault)]
    [InlineData(Does.Fld, 8, Guest.PageFault)]
    [InlineData(Does.Fld, 7, Guest.GeneralProtection)]
    [InlineData(Does.Fstp, 9, Guest.PageFault)]
    [InlineData(Does.Bound, 4, Guest.PageFault)]
    [InlineData(Does.Bound, 3, Guest.GeneralProtection)]
    public void ThePageOfTheFirstPartComesBeforeTheLimitForTheRest(Does what, int before, int vector)
    {
        using Guest guest = new(32, a => Emit(a, what, __[edi]));
        guest.Cpu.Segments.Ds = new SegmentRegister { Selector = 0x2B, Base = Guest.Data, Limit = 0xFFF, Attributes = 0xF7 };
        guest.Regs.Rdi = (ulong)(0x10000 - before);
        guest.Space.Unmap(Guest.Data + 0xF000, 0x1000);
        guest.Run();
        Assert.Equal(vector, guest.Exit.Vector);
        Assert.True(vector != Guest.PageFault || guest.Exit.Address == Guest.Data + guest.Regs.Rdi);
    }

    [Theory]
    [InlineData(new byte[] { 0x36, 0x66, 0xA5 })]
    [InlineData(new byte[] { 0x36, 0x66, 0xAD })]
    [InlineData(new byte[] { 0x36, 0x66, 0xA7 })]
    public void AStringThroughAFlatStackSegmentHasStackFaults(byte[] code)
    {
        using Guest guest = new(32, code);
        (guest.Regs.Rsi, guest.Regs.Rdi) = (uint.MaxValue, Guest.Data);
        guest.Run();
        Assert.Equal(StackFault, guest.Exit.Vector);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AFrameOf32BitsOnAStackOf16KeepsTheUpperHalfOfItsPointer(byte level)
    {
        // o32 enter 16, level
        using Guest guest = new(32, [0xC8, 16, 0, level]);
        guest.Cpu.Segments.Ss = Data() with { Attributes = 0xF3 };
        (guest.Regs.Rsp, guest.Regs.Rbp) = (0x12340100, 0x55555555);
        guest.Run();
        Assert.Equal(0x123400FCul, guest.Regs.Rbp);
        Assert.Equal((ulong)(0x123400FC - 16 - 4 * level), guest.Regs.Rsp);
        Assert.Equal(level == 0 ? 0 : 0x123400FCu, guest.Space.Read<uint>(Guest.Data + 0xF8));
    }

    [Fact]
    public void AFrameThatReadsWhatItPushesIsTheSameUnderAWatch()
    {
        Assert.Equal(Frame(DebugRegisters.Reset), Frame(DebugRegisters.Reset.With(0, Guest.Stack + 0x813, BreakpointType.ReadWrite)));

        static byte[] Frame(DebugRegisters watch)
        {
            // enter 16, 5
            using Guest guest = new(32, [0xC8, 16, 0, 5]);
            byte[] stack = [.. Enumerable.Range(0, 0x1000).Select(i => (byte)(i * 7))];
            guest.Space.Write(Guest.Stack, stack);
            (guest.Regs.Rsp, guest.Regs.Rbp) = (Guest.Stack + 0x828, Guest.Stack + 0x825);
            guest.Cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, watch);
            VcpuExit exit;
            do
            {
                exit = guest.Cpu.Run();
            }
            while (exit.Reason == ExitReason.Debug);
            Assert.Equal(guest.CodeEnd, guest.Regs.Rip);
            guest.Space.Read(Guest.Stack, stack);
            return stack;
        }
    }

    [Fact]
    public void AnInstructionThatFaultsInUserModeIsNotCountedHoweverOften()
    {
        using Guest guest = new(64, a => a.ud2());
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(0, guest.Cpu.Run(10).InstructionsRetired);
        }
    }

    [Fact]
    public void AMaskedMoveToADeviceKeepsTheBytesThatItLeavesOut()
    {
        // maskmovq mm0, mm1
        using RealMachine machine = new([0x0F, 0xF7, 0xC1, 0xF4]);
        SystemRegisters system = machine.Cpu.SystemRegisters;
        machine.Cpu.SystemRegisters = system with { Cr4 = system.Cr4 | 0x200 };
        machine.Cpu.Segments.SetReal(3, 0xFFFF);
        machine.Regs.Rdi = 0x10;
        machine.Cpu.Fpu.Register(0).Fill(0x11);
        machine.Cpu.Fpu.Register(1)[0] = 0x80;
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Mmio, false), (exit.Reason, exit.IsWrite));
        machine.Cpu.MmioData.Fill(0x22);
        exit = machine.Run();
        Assert.Equal((ExitReason.Mmio, true), (exit.Reason, exit.IsWrite));
        Assert.Equal([0x11, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22], machine.Cpu.MmioData.ToArray());
    }

    [Theory]
    [InlineData(0xFFE, false, Guest.GeneralProtection)]
    [InlineData(0xFFF, true, Guest.AlignmentCheck)]
    [InlineData(2, false, StackFault)]
    [InlineData(0x2000, false, StackFault)]
    public void ACallOutOfItsSegmentFaultsNotBeforeItsPush(ulong pointer, bool checksAlignment, int vector)
    {
        // call to beyond 10000h, of 32 bits
        using Guest guest = new(32, [0xE8, 0x00, 0x00, 0x10, 0x00]);
        guest.Cpu.Segments.Cs = guest.Cpu.Segments.Cs with { Limit = 0x1FFFF };
        guest.Cpu.Segments.Ss = Data();
        guest.Regs.Rsp = pointer;
        guest.Regs.Rflags |= checksAlignment ? AlignmentFlag : 0;
        guest.Run();
        Assert.Equal((vector, pointer, Guest.Code), (guest.Exit.Vector, guest.Regs.Rsp, guest.Regs.Rip));
        Assert.True(guest.Space.Read<uint>(Guest.Data + 0xFFA) == 0, "Nothing is pushed.");
    }

    [Theory]
    [InlineData(false, 0, 0xFF)]
    [InlineData(true, 5, 0x0F)]
    public void AConversionThatReportsAnExceptionHasEnteredMmxState(bool isMemory, int top, byte tag)
    {
        using Guest guest = new(64, a =>
        {
            if (isMemory)
            {
                a.cvtpi2ps(xmm0, __qword_ptr[rdi]);
            }
            else
            {
                a.cvtpi2ps(xmm0, mm1);
            }
        });
        // Inexact, and not masked.
        guest.Cpu.Fpu.Mxcsr = 0x0F80;
        guest.Cpu.Fpu.StatusWord = 5 << 11;
        guest.Cpu.Fpu.AbridgedTag = 0x0F;
        guest.Cpu.Fpu.Register(1).Fill(0x11);
        guest.Space.Write(Guest.Data, 0x1111_1111_1111_1111);
        guest.Regs.Rdi = Guest.Data;
        guest.Run();
        Assert.Equal((SimdFloatingPoint, top, tag), (guest.Exit.Vector, guest.Cpu.Fpu.StatusWord >> 11 & 7, guest.Cpu.Fpu.AbridgedTag));
    }

    static SegmentRegister Data() => new() { Selector = 0x2B, Base = Guest.Data, Limit = SegmentSize - 1, Attributes = 0x40F3 };
}
