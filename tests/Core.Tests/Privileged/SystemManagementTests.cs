using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>System-management mode: entry, the save area of either format, RSM (SDM Vol. 3 chapter 32; APM Vol. 2 10.2).</summary>
public sealed class SystemManagementTests
{
    const ulong SmBase = 0x30000, Entry = SmBase + 0x8000, Area = SmBase + 0xFE00;

    static SystemMachine Machine(Start start, Action<Assembler> handler, CpuModel? model = null)
    {
        SystemMachine machine = new(start, c => { c.nop(); c.nop(); }, model);
        machine.Write(Entry, Guest.Assemble(16, handler, Entry & 0xFFFF));
        return machine;
    }

    static ulong At(int offset) => Area + (ulong)(offset - 0xFE00);

    [Fact]
    public void EntryState_Sdm3_Table_32_4()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.hlt());
        machine.Regs.Rflags = 0xED7 | 0x3000;
        machine.Cpu.DebugRegisters = DebugRegisters.Reset with { Dr7 = 0x401 };
        machine.Cpu.Smi();
        Assert.Equal((ExitReason.Hlt, 0x8001ul, 2ul), (machine.Run().Reason, machine.Regs.Rip, machine.Regs.Rflags));
        SystemRegisters system = machine.System;
        Assert.Equal((0x10ul, 0ul, 0ul, 0x400ul), (system.Cr0, system.Cr4, system.Efer, machine.Cpu.DebugRegisters.Dr7));
        Assert.Equal((SmBase, (ushort)0x3000, uint.MaxValue), (system.Cs.Base, system.Cs.Selector, system.Cs.Limit));
        Assert.Equal((0ul, (ushort)0, uint.MaxValue, new TableRegister(0, 0)), (system.Ds.Base, system.Ss.Selector, system.Ss.Limit, system.Idt));
        Assert.True(machine.Cpu.Events.Smi.IsInSmm && machine.Cpu.Events.Nmi.IsMasked);
    }

    [Fact]
    public void SaveAreaOf64Bits_Apm2_Table_10_1()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.hlt());
        for (int i = 0; i < 16; i++)
        {
            machine.Regs[i] = 0x1111_0000_0000_0000ul + (uint)i;
        }
        SystemRegisters system = machine.System;
        machine.Cpu.Smi();
        machine.Run();
        Assert.Equal((0x1111_0000_0000_0000ul, 0x1111_0000_0000_000Ful), (machine.Read<ulong>(At(0xFFF8)), machine.Read<ulong>(At(0xFF80))));
        Assert.Equal((Origin, 2ul, system.Cr0, system.Cr3, system.Cr4, system.Efer), (machine.Read<ulong>(At(0xFF78)), machine.Read<ulong>(At(0xFF70)),
            machine.Read<ulong>(At(0xFF58)), machine.Read<ulong>(At(0xFF50)), machine.Read<ulong>(At(0xFF48)), machine.Read<ulong>(At(0xFED0))));
        Assert.Equal((Code64, (ushort)0xA9B, uint.MaxValue, 0ul), (machine.Read<ushort>(At(0xFE10)), machine.Read<ushort>(At(0xFE12)), machine.Read<uint>(At(0xFE14)), machine.Read<ulong>(At(0xFE18))));
        Assert.Equal((Gdt, (uint)GdtLimit, Idt, Tss, 0x20064u, (uint)SmBase), (machine.Read<ulong>(At(0xFE68)), machine.Read<uint>(At(0xFE64)), machine.Read<ulong>(At(0xFE88)),
            machine.Read<ulong>(At(0xFE98)), machine.Read<uint>(At(0xFEFC)), machine.Read<uint>(At(0xFF00))));
    }

    [Fact]
    public void SaveAreaOf32Bits_Sdm3_Table_32_1()
    {
        using SystemMachine machine = Machine(Start.Paged32, c => c.hlt(), CpuModel.Pentium);
        for (int i = 0; i < 8; i++)
        {
            machine.Regs[i] = 0x11110000 + (uint)i;
        }
        machine.Cpu.Smi();
        machine.Run();
        Assert.Equal((0x11110000u, 0x11110007u, (uint)Origin, 2u), (machine.Read<uint>(At(0xFFD0)), machine.Read<uint>(At(0xFFEC)), machine.Read<uint>(At(0xFFF0)), machine.Read<uint>(At(0xFFF4))));
        Assert.Equal(((uint)machine.Pages.Root, 0x80000011u, (uint)SmBase), (machine.Read<uint>(At(0xFFF8)), machine.Read<uint>(At(0xFFFC)), machine.Read<uint>(At(0xFEF8))));
        Assert.Equal(((uint)Code32, (uint)Data32, (uint)TssSelector, (uint)LdtSelector), (machine.Read<uint>(At(0xFFAC)), machine.Read<uint>(At(0xFFB0)), machine.Read<uint>(At(0xFFC4)), machine.Read<uint>(At(0xFFC0))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RsmRestoresEverything_Sdm3_32_7(bool isLong)
    {
        using SystemMachine machine = Machine(isLong ? Start.User64 : Start.User32 with { Paging = Paging.Pae }, c =>
        {
            c.mov(eax, 0x12345678);
            c.mov(ss, ax);
            c.mov(esp, 0x4000);
            c.rsm();
        }, isLong ? null : CpuModel.X86_64.Without(CpuFeature.Lm));
        machine.Regs.Rax = 0x5555;
        machine.Regs.Rflags = 0x3202 | 0x400;
        SystemRegisters before = machine.System;
        ulong sp = machine.Regs.Rsp;
        machine.Cpu.Smi();
        machine.Run(5);
        Assert.Equal(before, machine.System);
        Assert.Equal((Origin + 1, 0x5555ul, sp, 0x3602ul), (machine.Regs.Rip, machine.Regs.Rax, machine.Regs.Rsp, machine.Regs.Rflags));
        Assert.False(machine.Cpu.Events.Smi.IsInSmm);
    }

    [Fact]
    public void RsmMovesSmBase_Sdm3_32_11()
    {
        using SystemMachine machine = Machine(Start.Protected32, c => { c.mov(__dword_ptr.cs[0xFF00], 0x20000); c.rsm(); });
        machine.Write(0x28000, (byte)0xF4);
        machine.Cpu.Smi();
        machine.Run(3);
        machine.Cpu.Smi();
        Assert.Equal((ExitReason.Hlt, 0x8001ul, 0x20000ul), (machine.Run().Reason, machine.Regs.Rip, machine.System.Cs.Base));
        Assert.Equal(0x20000u, machine.Read<uint>(0x2FF00));
    }

    [Fact]
    public void RsmOutsideTheModeIsUndefined_Sdm2_Rsm()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.rsm());
        machine.Faults(6);
    }

    [Theory]
    [InlineData(0xFF58, 0x80000000ul)]
    [InlineData(0xFF58, 0x20000011ul)]
    [InlineData(0xFF48, 0x80000000ul)]
    public void RsmWithAStateThatCannotBeShutsDown_Sdm3_32_7(int offset, ulong value)
    {
        using SystemMachine machine = Machine(Start.Protected32, c => c.hlt());
        machine.Cpu.Smi();
        machine.Run();
        machine.Write(At(offset), value);
        machine.Assemble(Entry + 1, c => c.rsm(), 16);
        Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
    }

    [Fact]
    public void NmisWaitForRsm_Sdm3_32_8()
    {
        using SystemMachine machine = Machine(Start.Protected32, c => { c.nop(); c.nop(); c.rsm(); });
        machine.Cpu.Smi();
        machine.Run(1);
        machine.Cpu.Nmi();
        machine.Run(1);
        Assert.Equal(0x8002ul, machine.Regs.Rip);
        Assert.Equal((2, Origin), (machine.See().Vector, machine.Frame(2).Rip));
    }

    [Fact]
    public void ASecondSmiWaitsForRsm_Sdm3_32_3()
    {
        using SystemMachine machine = Machine(Start.Protected32, c => { c.inc(__byte_ptr[0xE000]); c.rsm(); });
        machine.Cpu.Smi();
        machine.Run(1);
        machine.Cpu.Smi();
        machine.Done();
        Assert.Equal(2, machine.Read<byte>(0xE000));
    }

    [Fact]
    public void AnSmiEndsHlt_Sdm3_32_10()
    {
        using SystemMachine machine = Machine(Start.Protected32, c => { c.inc(__byte_ptr[0xE000]); c.rsm(); });
        machine.Write(Origin, (byte)0xF4);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        machine.Cpu.Smi();
        machine.Done();
        Assert.Equal(1, machine.Read<byte>(0xE000));
    }

    [Fact]
    public void TheShadowOfStiSurvives_Apm2_10_3()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.sti(); c.nop(); c.nop(); });
        machine.Write(Entry, Guest.Assemble(16, c => c.rsm(), Entry & 0xFFFF));
        machine.Run(1);
        machine.Cpu.Smi();
        machine.Cpu.Interrupt(0x30);
        Seen seen = machine.See();
        Assert.Equal((0x30, Origin + 2), (seen.Vector, seen.Rip));
    }
}
