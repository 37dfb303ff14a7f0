using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>MOV to and from control registers, LMSW, SMSW, CLTS, EFER and CR8 (SDM Vol. 2, MOV; Vol. 3 2.5, 4.1, 9.8.5).</summary>
public sealed class ControlRegisterTests
{
    const ulong PE = 1, MP = 2, EM = 4, TS = 8, ET = 16, NE = 32, WP = 1 << 16, NW = 1 << 29, CD = 1 << 30, PG = 1ul << 31;
    const ulong Pae = 0x20, La57 = 1 << 12, Pcid = 1 << 17, Smap = 1 << 21;
    const uint Efer = 0xC0000080;

    static SystemMachine Writing(Start start, AssemblerRegisterCR register, ulong value, CpuModel? model = null)
    {
        SystemMachine machine = new(start, c =>
        {
            if (start.Bits == 64)
            {
                c.mov(register, rax);
            }
            else
            {
                c.mov(register, eax);
            }
        }, model);
        machine.Regs.Rax = value;
        return machine;
    }

    static void Expect(SystemMachine machine, bool works)
    {
        if (works)
        {
            machine.Done();
        }
        else
        {
            machine.Faults(13, 0);
        }
    }

    [Theory]
    [InlineData(PE | ET | NW, false)]
    [InlineData(PE | ET | CD, true)]
    [InlineData(PE | ET | CD | NW, true)]
    [InlineData(PG | ET, false)]
    [InlineData(PE | ET | NE | WP | TS | EM | MP, true)]
    [InlineData(PE | ET | 0x1000, true)]
    public void Cr0_Sdm2_Mov(ulong value, bool works)
    {
        using SystemMachine machine = Writing(Start.Protected32, cr0, value);
        Expect(machine, works);
        Assert.Equal(works ? value & ~0x1000ul : PE | ET, machine.System.Cr0);
    }

    [Fact]
    public void Cr0EtStays_Sdm3_2_5()
    {
        using SystemMachine machine = Writing(Start.Protected32, cr0, PE);
        machine.Done();
        Assert.Equal(PE | ET, machine.System.Cr0);
    }

    [Fact]
    public void Long_Cr0UpperHalfIsReservedAndPagingStays_Sdm2_Mov()
    {
        using SystemMachine upper = Writing(Start.Long, cr0, 1ul << 32 | PG | PE);
        Expect(upper, false);
        using SystemMachine paging = Writing(Start.Long, cr0, PE);
        Expect(paging, false);
    }

    [Theory]
    [InlineData(1ul << 13)]
    [InlineData(1ul << 15)]
    [InlineData(1ul << 25)]
    [InlineData(1ul << 31)]
    public void Cr4ReservedBits_Sdm2_Mov(ulong bit)
    {
        using SystemMachine machine = Writing(Start.Protected32, cr4, bit);
        Expect(machine, false);
    }

    [Theory]
    [InlineData(0ul, false)]
    [InlineData(Pae | La57, false)]
    [InlineData(Pae | Pcid, true)]
    [InlineData(Pae | Smap, true)]
    [InlineData(Pae | 1ul << 32, false)]
    public void Long_Cr4_Sdm2_Mov(ulong value, bool works)
    {
        using SystemMachine machine = Writing(Start.Long, cr4, value);
        if (value == (Pae | Smap))
        {
            machine.Regs.Rflags |= 0x40000;
        }
        Expect(machine, works);
    }

    [Fact]
    public void PcidNeedsLongModeAndAZeroContext_Sdm3_4_10_1()
    {
        using SystemMachine legacy = Writing(Start.Pae, cr4, Pae | Pcid);
        Expect(legacy, false);
        using SystemMachine used = Writing(Start.Long, cr4, Pae | Pcid);
        used.System = used.System with { Cr3 = used.System.Cr3 | 8 };
        Expect(used, false);
    }

    [Theory]
    [InlineData(0ul, true)]
    [InlineData(0x18ul, true)]
    [InlineData(1ul << 48, false)]
    [InlineData(1ul << 63, false)]
    public void Long_Cr3ReservedBits_Sdm2_Mov(ulong bits, bool works)
    {
        using SystemMachine machine = Writing(Start.Long, cr3, Tables | bits);
        Expect(machine, works);
    }

    [Fact]
    public void PcidLetsBit63OfCr3Through_Sdm2_Mov()
    {
        using SystemMachine machine = Writing(Start.Long, cr3, Tables | 5 | 1ul << 63);
        machine.System = machine.System with { Cr4 = Pae | Pcid };
        machine.Done();
        Assert.Equal(Tables | 5, machine.System.Cr3);
    }

    [Theory]
    [InlineData(0x2ul)]
    [InlineData(0x4ul)]
    [InlineData(0x20ul)]
    [InlineData(0x100ul)]
    [InlineData(1ul << 50)]
    [InlineData(1ul << 63)]
    public void PaePointersWithReservedBitsAreRefused_Sdm3_4_4_1(ulong bit)
    {
        using SystemMachine cr3Write = Writing(Start.Pae, cr3, Tables);
        cr3Write.Write(Tables + 24, 1 | bit);
        Expect(cr3Write, false);
        using SystemMachine cr0Write = Writing(Start.Protected32, cr0, PG | PE);
        cr0Write.System = cr0Write.System with { Cr4 = Pae, Cr3 = Tables };
        cr0Write.Write(Tables + 24, 1 | bit);
        Expect(cr0Write, false);
        Assert.Equal(PE | ET, cr0Write.System.Cr0);
    }

    [Fact]
    public void PaePointersAreOnlyReadByWritesOfCr3_Sdm3_4_4_1()
    {
        using SystemMachine machine = new(Start.Pae, c => { c.mov(eax, __dword_ptr[(int)Data]); c.mov(__dword_ptr[(int)Tables], 0); c.invlpg(__byte_ptr[(int)Data]); c.mov(eax, __dword_ptr[(int)Data]); });
        machine.Write(Data, 0x1234u);
        machine.Done();
        Assert.Equal(0x1234ul, machine.Regs.Rax);
    }

    [Theory]
    [InlineData("0F20C8")]
    [InlineData("0F20E8")]
    [InlineData("0F22F0")]
    [InlineData("0F22F8")]
    public void OtherControlRegistersDoNotExist_Sdm2_Mov(string code)
    {
        using SystemMachine machine = new(Start.Protected32, Convert.FromHexString(code));
        machine.Faults(6);
    }

    [Theory]
    [InlineData(0x0Ful, true)]
    [InlineData(0x10ul, false)]
    public void Cr8_Sdm3_11_8_6(ulong value, bool works)
    {
        using SystemMachine machine = Writing(Start.Long, cr8, value);
        Expect(machine, works);
        Assert.Equal(works ? value : 0, machine.Cpu.Cr8);
    }

    [Fact]
    public void LmswSetsButDoesNotClearPe_Sdm2_Lmsw()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.lmsw(ax); c.smsw(ecx); });
        machine.Regs.Rax = 0xFFF0 | EM;
        machine.Done();
        Assert.Equal((PE | ET | EM, PE | ET | EM), (machine.System.Cr0, machine.Regs.Rcx));
    }

    [Fact]
    public void Clts_Sdm2_Clts()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.clts());
        machine.System = machine.System with { Cr0 = PE | ET | TS };
        machine.Done();
        Assert.Equal(PE | ET, machine.System.Cr0);
    }

    [Theory]
    [InlineData(0x501ul, 0x501ul, true)]
    [InlineData(0x1ul, 0ul, false)]
    [InlineData(0xD01ul, 0xD01ul, true)]
    [InlineData(0x101ul, 0x501ul, true)]
    [InlineData(0x503ul, 0ul, false)]
    [InlineData(0x1_0000_0501ul, 0ul, false)]
    public void Efer_Sdm3_2_2_1(ulong value, ulong result, bool works)
    {
        using SystemMachine machine = new(Start.Long, c => c.wrmsr());
        (machine.Regs.Rcx, machine.Regs.Rax, machine.Regs.Rdx) = (Efer, (uint)value, value >> 32);
        Expect(machine, works);
        Assert.Equal(works ? result : 0x500, machine.System.Efer);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void LongModeIsEnteredWithPaeAnd32BitCode_Sdm3_9_8_5(bool hasPae, bool hasTss16)
    {
        using SystemMachine machine = Writing(Start.Protected32 with { Paging = Paging.FourLevels }, cr0, PG | PE);
        machine.System = machine.System with { Cr0 = PE, Cr4 = hasPae ? Pae : 0, Efer = 0x100 };
        if (hasTss16)
        {
            machine.System = machine.System with { Cr4 = Pae, Tr = machine.System.Tr with { Attributes = 0x83 } };
        }
        Expect(machine, hasPae);
        Assert.Equal(hasPae ? 0x500u : 0x100, machine.System.Efer);
    }

    [Theory]
    [InlineData(0u, 0ul, true)]
    [InlineData(0u, 5ul, false)]
    [InlineData(1u, 5ul, false)]
    [InlineData(2u, 0x1000ul, false)]
    [InlineData(2u, 0ul, true)]
    [InlineData(3u, 0ul, true)]
    [InlineData(4u, 0ul, false)]
    public void Invpcid_Sdm2_Invpcid(uint type, ulong context, bool works)
    {
        using SystemMachine machine = new(Start.Long, c => c.invpcid(rax, __xmmword_ptr[Data]));
        machine.Regs.Rax = type;
        machine.Write(Data, context);
        machine.Write(Data + 8, 0ul);
        Expect(machine, works);
    }

    [Fact]
    public void InvpcidOfANonCanonicalAddress_Sdm2_Invpcid()
    {
        using SystemMachine machine = new(Start.Long, c => c.invpcid(rax, __xmmword_ptr[Data]));
        machine.Write(Data + 8, 0x8000_0000_0000ul);
        Expect(machine, false);
    }
}
