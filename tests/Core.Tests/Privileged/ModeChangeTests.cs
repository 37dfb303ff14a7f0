using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>One guest that walks through every mode by its own instructions and back (SDM Vol. 3 9.8.5, 9.9).</summary>
public sealed class ModeChangeTests
{
    const uint Pe = 1, Pg = 0x80000000, Pae = 0x20, LongModeEnable = 0x100, Efer = 0xC0000080;
    const ulong Protected = Data, Paged = Data + 0x100, PaeMode = Data + 0x200, Compatibility = Data + 0x300, SixtyFour = Data + 0x400, Back = Data + 0x500, Small = Data + 0x600, Real = Data + 0x700;
    const uint OtherTables = 0x80000, PaeTables = 0xA0000, TwoLevelTables = 0xC0000;

    [Fact]
    public void RealToLongAndBackToReal_Sdm3_9_8_5()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.hlt());
        Map(machine, Paging.TwoLevels, TwoLevelTables);
        Map(machine, Paging.Pae, PaeTables);
        Map(machine, Paging.FourLevels, OtherTables);
        WriteCode(machine);
        // Reset, then real mode with flat-based segments of 64 KiB.
        machine.System = machine.System with { Cr0 = 0x10, Idt = new TableRegister(0, 0x3FF) };
        for (int i = 0; i < 6; i++)
        {
            machine.Cpu.Segments[i] = new SegmentRegister { Limit = 0xFFFF, Attributes = 0x93 };
        }
        machine.Assemble(Origin, c =>
        {
            c.lgdt(__fword_ptr[0xE000]);
            c.mov(eax, cr0);
            c.or(eax, (int)Pe);
            c.mov(cr0, eax);
            c.jmp(Code32, (uint)Protected);
        }, 16);
        // JMP ptr16:16 of 16-bit code reaches below 64 KiB.
        machine.Write(0xE000, (ushort)GdtLimit);
        machine.Write(0xE002, (uint)Gdt);
        machine.Regs.Rip = Origin;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((Real + 3, 0x10ul, 0ul), (machine.Regs.Rip & 0xFFFF | 0, machine.System.Cr0, machine.System.Efer & 0x400));
        Assert.Equal(0x123456789Aul, machine.Regs.R15);
        Assert.Equal((0x51ul, 0x52ul, 0x53ul, 0x54ul), (machine.Read<byte>(0xE100), machine.Read<byte>(0xE101), machine.Read<byte>(0xE102), machine.Read<byte>(0xE103)));
    }

    [Fact]
    public void SegmentsKeepTheirLimitsIntoRealMode_Sdm3_9_9_2()
    {
        using SystemMachine machine = new(Start.Protected16, c =>
        {
            c.mov(eax, cr0);
            c.and(al, 0xFE);
            c.mov(cr0, eax);
            c.mov(ebx, 0x200000);
            c.mov(ecx, __dword_ptr.ds[ebx]);
            c.hlt();
        });
        machine.System = machine.System with { Ds = machine.Register(Data32) };
        machine.Write(0x200000, 0xB16u);
        machine.Run();
        Assert.Equal((ExitReason.Hlt, 0xB16ul), (machine.Exit.Reason, machine.Regs.Rcx));
    }

    [Fact]
    public void LeavingLongModeByClearingPagingInCompatibilityMode_Sdm3_9_8_5_4()
    {
        using SystemMachine machine = new(Start.Compatibility, c =>
        {
            c.mov(eax, cr0);
            c.and(eax, 0x7FFFFFFF);
            c.mov(cr0, eax);
            c.nop();
        });
        machine.Done();
        Assert.Equal(LongModeEnable, machine.System.Efer);
    }

    static void Map(SystemMachine machine, Paging format, uint root)
    {
        PageTables tables = new(machine.Vm, format, root);
        for (ulong page = 0; page < 0x40000; page += 0x1000)
        {
            tables.Map(page, page);
        }
    }

    static void SetPaging(Assembler c, uint root, bool pae)
    {
        c.mov(eax, cr0);
        c.and(eax, 0x7FFFFFFF);
        c.mov(cr0, eax);
        c.mov(ecx, cr4);
        c.and(ecx, ~(int)Pae);
        c.or(ecx, pae ? (int)Pae : 0);
        c.mov(cr4, ecx);
        c.mov(ecx, root);
        c.mov(cr3, ecx);
        c.or(eax, unchecked((int)Pg));
        c.mov(cr0, eax);
    }

    static void Mark(Assembler c, int number) => c.mov(__byte_ptr[0xE100 + number], (byte)(0x51 + number));

    static void WriteCode(SystemMachine machine)
    {
        machine.Assemble(Protected, c =>
        {
            c.mov(eax, (uint)Data32);
            c.mov(ds, eax);
            c.mov(ss, eax);
            c.mov(esp, (uint)Stack0);
            SetPaging(c, TwoLevelTables, false);
            Mark(c, 0);
            c.jmp(Code32, (uint)Paged);
        }, 32);
        machine.Assemble(Paged, c =>
        {
            SetPaging(c, PaeTables, true);
            Mark(c, 1);
            c.jmp(Code32, (uint)PaeMode);
        }, 32);
        machine.Assemble(PaeMode, c =>
        {
            c.mov(eax, cr0);
            c.and(eax, 0x7FFFFFFF);
            c.mov(cr0, eax);
            c.mov(ecx, Efer);
            c.rdmsr();
            c.or(eax, (int)LongModeEnable);
            c.wrmsr();
            SetPaging(c, OtherTables, true);
            c.jmp(Code32, (uint)Compatibility);
        }, 32);
        machine.Assemble(Compatibility, c => { Mark(c, 2); c.jmp(Code64, (uint)SixtyFour); }, 32);
        machine.Assemble(SixtyFour, c =>
        {
            c.mov(r15, 0x123456789AUL);
            c.mov(__byte_ptr[0xE103], 0x54);
            c.push(Code32);
            c.push((int)Back);
            c.retf();
        }, 64);
        machine.Assemble(Back, c =>
        {
            c.mov(eax, cr0);
            c.and(eax, 0x7FFFFFFF);
            c.mov(cr0, eax);
            c.mov(ecx, Efer);
            c.rdmsr();
            c.and(eax, ~(int)LongModeEnable);
            c.wrmsr();
            c.xor(eax, eax);
            c.mov(cr4, eax);
            c.jmp(Code16, (uint)Small);
        }, 32);
        machine.Assemble(Small, c =>
        {
            c.mov(eax, cr0);
            c.and(al, 0xFE);
            c.mov(cr0, eax);
            c.jmp(0, (ushort)Real);
        }, 16);
        machine.Assemble(Real, c => { c.mov(ax, ds); c.hlt(); }, 16);
    }
}
