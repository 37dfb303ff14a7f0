using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Instructions;

/// <summary>The XSAVE family. What is expected was observed on hardware (Zen 5) where the manuals leave room.</summary>
public sealed class ExtendedStateTests
{
    const ulong Compact = 1UL << 63, Area = Guest.Data;
    const uint Mxcsr = 0x5F80, MxcsrMask = 0x2FFFF;
    const int HeaderOffset = 512, UpperOffset = 576, DeviceNotAvailable = 7;
    const byte Filler = 0xAA, Vector = 0x55, Old = 0x77;

    public enum Saver
    {
        Xsave,
        Xsaveopt,
        Xsavec,
    }

    /// <summary>What the saving instruction leaves: XSTATE_BV, XCOMP_BV, MXCSR, and whether x87, XMM and upper halves are written.</summary>
    [Theory]
    [InlineData(Saver.Xsave, 7, 0, 0UL, 0UL, true, true, true, true)]
    [InlineData(Saver.Xsave, 7, 7, 7UL, 0UL, true, true, true, true)]
    [InlineData(Saver.Xsave, 4, 7, 4UL, 0UL, true, false, false, true)]
    [InlineData(Saver.Xsave, 2, 7, 2UL, 0UL, true, false, true, false)]
    [InlineData(Saver.Xsave, 1, 7, 1UL, 0UL, false, true, false, false)]
    [InlineData(Saver.Xsave, 0xF0, 7, 0UL, 0UL, false, false, false, false)]
    [InlineData(Saver.Xsaveopt, 7, 0, 0UL, 0UL, true, false, false, false)]
    [InlineData(Saver.Xsaveopt, 7, 4, 4UL, 0UL, true, false, false, true)]
    [InlineData(Saver.Xsaveopt, 5, 7, 5UL, 0UL, true, true, false, true)]
    [InlineData(Saver.Xsavec, 7, 0, 0UL, Compact | 7, false, false, false, false)]
    [InlineData(Saver.Xsavec, 7, 2, 2UL, Compact | 7, true, false, true, false)]
    [InlineData(Saver.Xsavec, 7, 7, 7UL, Compact | 7, true, true, true, true)]
    [InlineData(Saver.Xsavec, 5, 7, 5UL, Compact | 5, false, true, false, true)]
    public void SavesWhatIsAskedForAndInUse(
        Saver saver, uint requested, uint inUse, ulong present, ulong layout, bool savesMxcsr, bool savesX87, bool savesVectors, bool savesUpper)
    {
        using Guest guest = new(64, a => Save(a, saver, __[rdi]));
        Fill(guest);
        guest.Space.Write(Area + HeaderOffset, new byte[64]);
        Use(guest.Cpu, inUse);
        Run(guest, requested);
        Assert.Equal((present, layout), (guest.Space.Read<ulong>(Area + HeaderOffset), guest.Space.Read<ulong>(Area + HeaderOffset + 8)));
        uint filler = Filler * 0x01010101u;
        Assert.Equal(savesMxcsr ? (guest.Cpu.Fpu.Mxcsr, MxcsrMask) : (filler, filler), (guest.Space.Read<uint>(Area + 24), guest.Space.Read<uint>(Area + 28)));
        Assert.Equal(savesX87 ? guest.Cpu.Fpu.ControlWord : (ushort)filler, guest.Space.Read<ushort>(Area));
        Assert.Equal(savesX87 ? guest.Cpu.Fpu.Register(0)[0] : Filler, guest.Space.Read<byte>(Area + 32));
        Assert.Equal(savesVectors ? guest.Cpu.VectorRegister(15)[15] : Filler, guest.Space.Read<byte>(Area + 160 + 255));
        Assert.Equal(savesUpper ? guest.Cpu.VectorRegister(15)[31] : Filler, guest.Space.Read<byte>(Area + UpperOffset + 255));
        Assert.Equal(Filler, guest.Space.Read<byte>(Area + 416));
        Assert.Equal(Filler, guest.Space.Read<byte>(Area + UpperOffset + 256));
    }

    [Fact]
    public void MxcsrAloneMakesTheCompactFormatHoldTheVectors()
    {
        using Guest guest = new(64, a => a.xsavec(__[rdi]));
        guest.Cpu.Fpu.Mxcsr = Mxcsr;
        Run(guest, 7);
        Assert.Equal(2UL, guest.Space.Read<ulong>(Area + HeaderOffset));
        Assert.Equal(Mxcsr, guest.Space.Read<uint>(Area + 24));
    }

    [Fact]
    public void TheHeaderKeepsComponentsThatAreNotAskedFor()
    {
        using Guest guest = new(64, a => a.xsave(__[rdi]));
        guest.Space.Write(Area + HeaderOffset, 0x5500_0000_0007UL);
        guest.Space.Write(Area + HeaderOffset + 16, 0x1111_1111_1111_1111UL);
        Run(guest, 2);
        Assert.Equal((0x5500_0000_0005UL, 0x1111_1111_1111_1111UL), (guest.Space.Read<ulong>(Area + HeaderOffset), guest.Space.Read<ulong>(Area + HeaderOffset + 16)));
    }

    [Fact]
    public void OutsideOf64BitModeThereAreEightRegisters()
    {
        using Guest guest = new(32, a => a.xsave(__[edi]));
        Fill(guest);
        guest.Space.Write(Area + HeaderOffset, new byte[64]);
        Use(guest.Cpu, 7);
        Run(guest, 7);
        Assert.Equal((Vector, Filler), (guest.Space.Read<byte>(Area + 160 + 127), guest.Space.Read<byte>(Area + 160 + 128)));
        Assert.Equal((Vector, Filler), (guest.Space.Read<byte>(Area + UpperOffset + 127), guest.Space.Read<byte>(Area + UpperOffset + 128)));
    }

    /// <summary>MXCSR, FCW, the lower and the upper half of a register after XRSTOR of an image with 5F80, 17F and 55.</summary>
    [Theory]
    [InlineData(7UL, 0UL, 7, 0x5F80, 0x17F, 0x55, 0x55)]
    [InlineData(0UL, 0UL, 7, 0x5F80, 0x37F, 0, 0)]
    [InlineData(0UL, 0UL, 4, 0x5F80, 0x27F, Old, 0)]
    [InlineData(0UL, 0UL, 2, 0x5F80, 0x27F, 0, Old)]
    [InlineData(0UL, 0UL, 1, 0x3F80, 0x37F, Old, Old)]
    [InlineData(7UL, Compact | 7, 7, 0x5F80, 0x17F, 0x55, 0x55)]
    [InlineData(0UL, Compact | 7, 7, 0x1F80, 0x37F, 0, 0)]
    [InlineData(0UL, Compact | 7, 4, 0x3F80, 0x27F, Old, 0)]
    [InlineData(4UL, Compact | 4, 7, 0x1F80, 0x37F, 0, 0x55)]
    [InlineData(4UL, Compact | 4, 4, 0x3F80, 0x27F, Old, 0x55)]
    public void RestoresOrInitializes(ulong present, ulong layout, uint requested, uint mxcsr, int control, byte low, byte high)
    {
        using Guest guest = Restorer(present, layout);
        Run(guest, requested);
        Span<byte> register = guest.Cpu.VectorRegister(15);
        Assert.Equal((mxcsr, control, low, high), (guest.Cpu.Fpu.Mxcsr, guest.Cpu.Fpu.ControlWord, register[0], register[31]));
    }

    [Theory]
    [InlineData(7UL, 1UL, 0, 0)]
    [InlineData(0xFUL, 0UL, 0, 0)]
    [InlineData(1UL << 62, 0UL, 0, 0)]
    [InlineData(7UL, 0UL, HeaderOffset + 17, 1)]
    [InlineData(7UL, Compact | 3, 0, 0)]
    [InlineData(3UL, Compact | 0xB, 0, 0)]
    [InlineData(3UL, Compact | 3, HeaderOffset + 16, 1)]
    [InlineData(3UL, Compact | 3, HeaderOffset + 63, 1)]
    [InlineData(3UL, 0UL, 27, 1)]
    [InlineData(3UL, Compact | 3, 27, 1)]
    public void AWrongImageIsRefused(ulong present, ulong layout, int offset, byte value)
    {
        using Guest guest = Restorer(present, layout);
        if (offset != 0)
        {
            guest.Space.Write(Area + (ulong)offset, value);
        }
        Faults(guest, Guest.GeneralProtection, 7);
        Assert.Equal(0x27F, guest.Cpu.Fpu.ControlWord);
        Assert.Equal(Old, guest.Cpu.VectorRegister(15)[0]);
    }

    [Theory]
    [InlineData(HeaderOffset + 24)]
    [InlineData(HeaderOffset + 63)]
    public void TheEndOfAHeaderInTheStandardFormatDoesNotMatter(int offset)
    {
        using Guest guest = Restorer(7, 0);
        guest.Space.Write(Area + (ulong)offset, (byte)1);
        Run(guest, 7);
        Assert.True(guest.IsDone);
    }

    [Fact]
    public void ReservedBitsOfMxcsrDoNotMatterWhenItIsNotLoaded()
    {
        using Guest guest = Restorer(4, Compact | 7);
        guest.Space.Write(Area + 24, uint.MaxValue);
        Run(guest, 4);
        Assert.True(guest.IsDone);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    public void TheAreaIsAligned(int offset)
    {
        using Guest save = new(64, a => a.xsave(__[rdi + offset])), restore = new(64, a => a.xrstor(__[rdi + offset]));
        Faults(save, Guest.GeneralProtection, 7);
        Faults(restore, Guest.GeneralProtection, 7);
    }

    [Fact]
    public void AFaultInTheSecondPageLeavesTheFirstAsItWas()
    {
        using Guest guest = new(64, a => a.xsave(__[rdi]));
        ulong area = Guest.Data + Guest.DataSize - 512;
        Use(guest.Cpu, 7);
        guest.Regs.Rdi = area;
        guest.Regs.Rax = 7;
        guest.Run();
        Assert.Equal((Guest.PageFault, Guest.Data + Guest.DataSize), (guest.Exit.Vector, guest.Exit.Address & ~0xFFFUL));
        byte[] bytes = new byte[512];
        Assert.True(guest.Space.TryRead(area, bytes));
        Assert.All(bytes, value => Assert.Equal(0, value));
    }

    [Fact]
    public void SupervisorFormsNeedPrivilege()
    {
        using Guest save = new(64, a => a.xsaves(__[rdi])), restore = new(64, a => a.xrstors(__[rdi]));
        Faults(save, Guest.GeneralProtection, 7);
        Faults(restore, Guest.GeneralProtection, 7);
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(1, 2)]
    public void XgetbvReadsWhatIsEnabledAndWhatIsInUse(uint number, uint expected)
    {
        using Guest guest = new(64, a => a.xgetbv());
        Use(guest.Cpu, 2);
        guest.Regs.Rcx = number;
        guest.RunToEnd();
        Assert.Equal((expected, 0UL), ((uint)guest.Regs.Rax, guest.Regs.Rdx));
    }

    [Fact]
    public void XgetbvHasTwoRegisters()
    {
        using Guest guest = new(64, a => a.xgetbv());
        guest.Regs.Rcx = 2;
        Assert.Equal(Guest.GeneralProtection, guest.Run().Exit.Vector);
    }

    [Fact]
    public void XsetbvNeedsPrivilege()
    {
        using Guest guest = new(64, a => a.xsetbv());
        guest.Regs.Rax = 7;
        Assert.Equal(Guest.GeneralProtection, guest.Run().Exit.Vector);
    }

    [Theory]
    [InlineData(1, 0, 0, true)]
    [InlineData(3, 0, 0, true)]
    [InlineData(7, 0, 0, true)]
    [InlineData(0, 0, 0, false)]
    [InlineData(2, 0, 0, false)]
    [InlineData(5, 0, 0, false)]
    [InlineData(0xF, 0, 0, false)]
    [InlineData(7, 1, 0, false)]
    [InlineData(7, 0, 1, false)]
    public void XsetbvTakesWhatMakesSense(uint low, uint high, uint number, bool isTaken)
    {
        using RealMachine machine = new(a => { EnableXsave(a); a.xsetbv(); a.hlt(); });
        machine.SetHandler(Guest.GeneralProtection, a => { a.mov(ebx, 1); a.hlt(); });
        machine.Regs.Rdx = high;
        machine.Regs.Rcx = number;
        machine.Regs.Rsi = low;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((isTaken ? 0UL : 1, isTaken ? low : 1UL), (machine.Regs.Rbx, machine.Cpu.Xcr0));
    }

    [Theory]
    [InlineData(false, false, Guest.InvalidOpcode)]
    [InlineData(true, true, DeviceNotAvailable)]
    [InlineData(false, true, Guest.InvalidOpcode)]
    public void TheSystemDecidesWhetherTheyExist(bool hasXsave, bool isTaskSwitched, int vector)
    {
        foreach (Action<Assembler> instruction in new Action<Assembler>[] { a => a.xsave(__[di]), a => a.xrstor(__[di]), a => a.xsavec(__[di]), a => a.xsaveopt(__[di]) })
        {
            using RealMachine machine = new(a =>
            {
                if (hasXsave)
                {
                    EnableXsave(a);
                }
                if (isTaskSwitched)
                {
                    a.mov(eax, cr0);
                    a.or(eax, 8);
                    a.mov(cr0, eax);
                }
                instruction(a);
                a.hlt();
            });
            machine.SetHandler(vector, a => { a.mov(ebx, 1); a.hlt(); });
            machine.Regs.Rdi = RealMachine.Data;
            machine.Run();
            Assert.Equal(1UL, machine.Regs.Rbx);
        }
    }

    [Fact]
    public void CpuidFollowsCr4AndXcr0()
    {
        using RealMachine machine = new(a => { EnableXsave(a); a.xsetbv(); a.hlt(); });
        const uint OsXsave = 1 << 27;
        Assert.Equal(0u, machine.Cpu.GetCpuid(1).Ecx & OsXsave);
        Assert.Equal((7u, 576u, 832u, 0u), Registers(machine.Cpu.GetCpuid(0xD)));
        machine.Regs.Rsi = 7;
        machine.Regs.Rdx = 0;
        machine.Run();
        Assert.Equal(OsXsave, machine.Cpu.GetCpuid(1).Ecx & OsXsave);
        Assert.Equal((7u, 832u, 832u, 0u), Registers(machine.Cpu.GetCpuid(0xD)));
        Assert.Equal((15u, 832u, 0u, 0u), Registers(machine.Cpu.GetCpuid(0xD, 1)));
        Assert.Equal((256u, 576u, 0u, 0u), Registers(machine.Cpu.GetCpuid(0xD, 2)));
        Assert.Equal((0u, 0u, 0u, 0u), Registers(machine.Cpu.GetCpuid(0xD, 3)));
    }

    /// <summary>A vector instruction with VEX prefix, and one of BMI, which needs no operating system.</summary>
    [Theory]
    [InlineData(false, 0, true)]
    [InlineData(true, 1, true)]
    [InlineData(true, 3, true)]
    [InlineData(true, 7, false)]
    public void VectorsWithVexNeedXcr0(bool hasXsave, uint xcr0, bool faults)
    {
        // Protected mode, in which VEX exists: set by the embedder, to be short.
        using RealMachine machine = new(Guest.Assemble(32, a => { a.andn(eax, ecx, edx); a.vfmadd213ps(xmm0, xmm1, xmm2); a.hlt(); }, RealMachine.Code));
        SegmentRegister data = new() { Selector = 0x10, Limit = uint.MaxValue, Attributes = 0xC093 };
        machine.Cpu.Xcr0 = Math.Max(xcr0, 1);
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with
        {
            Cr0 = 0x11,
            Cr4 = hasXsave ? 1u << 18 : 0,
            Cs = new SegmentRegister { Selector = 8, Limit = uint.MaxValue, Attributes = 0xC09B },
            Ss = data,
            Ds = data,
            Es = data,
        };
        // Without a table of gates an exception ends in a shutdown.
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with { Idt = new TableRegister(0, 0) };
        Assert.Equal(faults ? ExitReason.Shutdown : ExitReason.Hlt, machine.Run().Reason);
    }

    static (uint, uint, uint, uint) Registers(CpuidEntry entry) => (entry.Eax, entry.Ebx, entry.Ecx, entry.Edx);

    static void EnableXsave(Assembler a)
    {
        a.mov(eax, cr4);
        a.or(eax, 1 << 18);
        a.mov(cr4, eax);
        a.mov(eax, esi);
    }

    static void Save(Assembler a, Saver saver, AssemblerMemoryOperand area)
    {
        switch (saver)
        {
            case Saver.Xsave:
                a.xsave(area);
                break;
            case Saver.Xsaveopt:
                a.xsaveopt(area);
                break;
            default:
                a.xsavec(area);
                break;
        }
    }

    static void Fill(Guest guest)
    {
        byte[] filler = new byte[1024];
        filler.AsSpan().Fill(Filler);
        guest.Space.Write(Area, filler);
    }

    /// <summary>Takes components out of their initial state.</summary>
    static void Use(Vcpu cpu, uint components)
    {
        if ((components & 1) != 0)
        {
            cpu.Fpu.ControlWord = 0x27F;
            cpu.Fpu.Register(0).Fill(Vector);
        }
        for (int i = 0; i < 16; i++)
        {
            cpu.VectorRegister(i)[..16].Fill((components & 2) != 0 ? Vector : (byte)0);
            cpu.VectorRegister(i)[16..32].Fill((components & 4) != 0 ? Vector : (byte)0);
        }
    }

    /// <summary>XRSTOR of an image with these header words.</summary>
    static Guest Restorer(ulong present, ulong layout)
    {
        Guest guest = new(64, a => a.xrstor(__[rdi]));
        byte[] image = new byte[UpperOffset + 256];
        image.AsSpan().Fill(Vector);
        image.AsSpan(HeaderOffset, 64).Clear();
        guest.Space.Write(Area, image);
        guest.Space.Write(Area, (ushort)0x17F);
        guest.Space.Write(Area + 24, Mxcsr);
        guest.Space.Write(Area + HeaderOffset, present);
        guest.Space.Write(Area + HeaderOffset + 8, layout);
        guest.Cpu.Fpu.Mxcsr = 0x3F80;
        guest.Cpu.Fpu.ControlWord = 0x27F;
        for (int i = 0; i < 16; i++)
        {
            guest.Cpu.VectorRegister(i)[..32].Fill(Old);
        }
        return guest;
    }

    static void Run(Guest guest, uint requested)
    {
        guest.Regs.Rdi = Area;
        guest.Regs.Rax = requested;
        guest.Regs.Rdx = 0;
        guest.RunToEnd();
    }

    static void Faults(Guest guest, int vector, uint requested)
    {
        guest.Regs.Rdi = Area;
        guest.Regs.Rax = requested;
        guest.Run();
        Assert.Equal((ExitReason.Exception, vector, Guest.Code), (guest.Exit.Reason, guest.Exit.Vector, guest.Regs.Rip));
    }
}
