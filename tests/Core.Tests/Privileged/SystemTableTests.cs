using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>LGDT, LIDT, LLDT, LTR, their counterparts, and user-mode instruction prevention (SDM Vol. 2).</summary>
public sealed class SystemTableTests
{
    const ulong Umip = 1 << 11;

    [Fact]
    public void LgdtAndSgdt_Sdm2_Lgdt()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.lgdt(__fword_ptr[(int)Data]); c.sgdt(__fword_ptr[(int)Data + 16]); });
        machine.Write(Data, (ushort)0x2FF);
        machine.Write(Data + 2, (uint)Gdt);
        machine.Write(Data + 16, ulong.MaxValue);
        machine.Done();
        Assert.Equal((new TableRegister(Gdt, 0x2FF), 0xFFFF_0000_2000_02FFul), (machine.System.Gdt, machine.Read<ulong>(Data + 16)));
    }

    [Fact]
    public void OperandSize16LoadsA24BitBase_Sdm2_Lgdt()
    {
        using SystemMachine machine = new(Start.Protected32, [0x66, 0x0F, 0x01, 0x1D, 0x00, 0xD0, 0x00, 0x00]);
        machine.Write(Data, (ushort)0x7FF);
        machine.Write(Data + 2, 0xAA001000u);
        machine.Done();
        Assert.Equal(new TableRegister(0x1000, 0x7FF), machine.System.Idt);
    }

    [Theory]
    [InlineData(0x8000_0000_0000ul, true)]
    [InlineData(0xFFFF_8000_0000_0000ul, false)]
    public void Long_BasesAreCanonical_Sdm2_Lgdt(ulong address, bool faults)
    {
        using SystemMachine machine = new(Start.Long, c => { c.lidt(__tbyte_ptr[Data]); c.nop(); });
        machine.Write(Data, (ushort)0xFFF);
        machine.Write(Data + 2, address);
        if (faults)
        {
            machine.Faults(13, 0);
            return;
        }
        machine.Done();
        Assert.Equal(address, machine.System.Idt.Base);
    }

    [Theory]
    [InlineData(LocalTable, true, 0, 0)]
    [InlineData(Tss32, true, 13, 0x100)]
    [InlineData(DataWritable, true, 13, 0x100)]
    [InlineData(LocalTable, false, 11, 0x100)]
    public void Lldt_Sdm2_Lldt(int type, bool present, int vector, int error)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.lldt(ax));
        machine.SetDescriptor(Free, Descriptors.System(type, Data, 0x3F, present: present));
        machine.Regs.Rax = Free;
        Check(machine, vector, error);
        Assert.Equal(vector == 0 ? Data : Ldt, machine.System.Ldt.Base);
    }

    [Theory]
    [InlineData(Tss32, true, 0, 0)]
    [InlineData(Tss16, true, 0, 0)]
    [InlineData(BusyTss32, true, 13, 0x100)]
    [InlineData(LocalTable, true, 13, 0x100)]
    [InlineData(Tss32, false, 11, 0x100)]
    public void Ltr_Sdm2_Ltr(int type, bool present, int vector, int error)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.ltr(ax));
        machine.SetDescriptor(Free, Descriptors.System(type, OtherTss, 0x67, present: present));
        machine.Regs.Rax = Free;
        Check(machine, vector, error);
        Assert.Equal(type | (vector == 0 ? 2 : 0) | (present ? 0x80 : 0), Access(machine.GetDescriptor(Free)));
    }

    [Theory]
    [InlineData(0x0, 0)]
    [InlineData(0x64, 0x64)]
    [InlineData(0x2000, 0x2000)]
    public void LtrNeedsASelectorOfTheGdt_Sdm2_Ltr(int selector, int error)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.ltr(ax));
        machine.SetDescriptor(0x64, Descriptors.System(Tss32, OtherTss, 0x67));
        machine.Regs.Rax = (ulong)selector;
        Check(machine, 13, error);
    }

    [Fact]
    public void LldtWithANullSelectorMakesTheTableUnusable_Sdm2_Lldt()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.lldt(ax); c.mov(ds, ecx); });
        machine.SetDescriptor(4, Segment(DataWritable));
        machine.Regs.Rcx = 4;
        Seen seen = machine.See();
        Assert.Equal((13, 4u, Origin + 4), (seen.Vector, seen.ErrorCode, seen.Rip));
    }

    [Fact]
    public void Long_SystemDescriptorsHave16Bytes_Sdm3_7_2_3()
    {
        const ulong High = 0xFFFF_8000_0000_0000;
        using SystemMachine machine = new(Start.Long, c => c.ltr(ax));
        machine.SetDescriptor(Free, Descriptors.System(Tss32, 0x12345678, 0x67), High >> 32);
        machine.Regs.Rax = Free;
        machine.Done();
        Assert.Equal((High | 0x12345678, 0x8B), (machine.System.Tr.Base, machine.System.Tr.Attributes & 0xFF));
    }

    [Fact]
    public void Long_LtrOf16BitTssIsRefused_Sdm2_Ltr()
    {
        using SystemMachine machine = new(Start.Long, c => c.ltr(ax));
        machine.SetDescriptor(Free, Descriptors.System(Tss16, OtherTss, 0x67));
        machine.Regs.Rax = Free;
        machine.Faults(13, Free);
    }

    [Theory]
    [InlineData("0F0105")]
    [InlineData("0F010D")]
    [InlineData("0F0005")]
    [InlineData("0F000D")]
    [InlineData("0F0125")]
    public void UmipProtectsTheStoresAboveLevel0_Sdm3_2_5(string code)
    {
        byte[] bytes = [.. Convert.FromHexString(code), 0x00, 0xD0, 0x00, 0x00, 0xCD, 0x80];
        foreach ((int cpl, bool umip) in new[] { (0, true), (1, true), (3, true), (3, false) })
        {
            using SystemMachine machine = new(Start.Protected32 with { Cpl = cpl }, bytes);
            machine.System = machine.System with { Cr4 = umip ? Umip : 0 };
            Seen seen = machine.See();
            Assert.Equal(cpl != 0 && umip ? (13, 0u) : (0x80, (uint?)null), (seen.Vector, seen.ErrorCode));
        }
    }

    [Theory]
    [InlineData("0F00C0")]
    [InlineData("0F00C8")]
    [InlineData("0F01E0")]
    public void UmipProtectsTheRegisterForms_Sdm3_2_5(string code)
    {
        using SystemMachine machine = new(Start.User32, Convert.FromHexString(code));
        machine.System = machine.System with { Cr4 = Umip };
        machine.Faults(13, 0);
    }

    [Fact]
    public void UmipComesBeforeThePageFaultOfItsOperand_Sdm3_2_5()
    {
        foreach (string code in new[] { "0F0105", "0F010D", "0F0005", "0F000D", "0F0125" })
        {
            using SystemMachine machine = new(Start.User32 with { Paging = Paging.TwoLevels }, [.. Convert.FromHexString(code), 0x00, 0xD0, 0x00, 0x00]);
            machine.System = machine.System with { Cr4 = Umip };
            machine.Pages.Change(Data, 0, PageTables.Present);
            machine.Faults(13, 0);
        }
    }

    [Theory]
    [InlineData("0F00C0", 0x60)]
    [InlineData("0F00C8", 0x50)]
    [InlineData("8CD8", 0x10)]
    public void StoresToRegistersZeroTheUpperHalf_Sdm2_Sldt(string code, int expected)
    {
        using SystemMachine machine = new(Start.Protected32, Convert.FromHexString(code));
        machine.Regs.Rax = 0xDEADBEEF;
        machine.Done();
        Assert.Equal((ulong)expected, machine.Regs.Rax);
    }

    [Theory]
    [InlineData("0F0110")]
    [InlineData("0F0118")]
    [InlineData("0F00D0")]
    [InlineData("0F00D8")]
    [InlineData("0F01F0")]
    [InlineData("0F06")]
    [InlineData("0F0138")]
    [InlineData("0F09")]
    [InlineData("0F22C0")]
    [InlineData("0F20D8")]
    [InlineData("0F21F8")]
    [InlineData("0F23F8")]
    [InlineData("0F30")]
    [InlineData("0F32")]
    [InlineData("F4")]
    public void PrivilegedInstructions_Sdm3_5_9(string code)
    {
        foreach (int cpl in new[] { 1, 2, 3 })
        {
            using SystemMachine machine = new(Start.Protected32 with { Cpl = cpl }, Convert.FromHexString(code));
            machine.Faults(13, 0);
        }
    }

    static void Check(SystemMachine machine, int vector, int error)
    {
        if (vector == 0)
        {
            machine.Done();
            return;
        }
        machine.Faults(vector, (uint)error);
    }
}
