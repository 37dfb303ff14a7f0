using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Corners of 64-bit mode that suites for KVM hosts look at.</summary>
public sealed class LongModeQuirkTests
{
    [Fact]
    public void FarJumpWithRexWHasAPointerOf80Bits_Sdm2_Jmp()
    {
        const ulong High = 0x7F_1234_5000;
        using SystemMachine machine = new(Start.Long, [0x48, 0xFF, 0x2B]);
        machine.Pages.Map(High, Data);
        machine.Assemble(Data, c => c.hlt());
        machine.Regs.Rbx = Data + 0x100;
        machine.Write(Data + 0x100, High);
        machine.Write(Data + 0x108, Code64);
        Assert.Equal((ExitReason.Hlt, High + 1), (machine.Run().Reason, machine.Regs.Rip));
    }

    [Fact]
    public void FarCallWithRexWPushesQuadwords_Sdm2_Call()
    {
        using SystemMachine machine = new(Start.Long, [0x48, 0xFF, 0x1B]);
        machine.Write(Data, (byte)0x48, (byte)0xCB);
        machine.Regs.Rbx = Data + 0x100;
        machine.Write(Data + 0x100, Data);
        machine.Write(Data + 0x108, Code64);
        machine.Done();
        Assert.Equal((Stack0, machine.CodeEnd, (ulong)Code64), (machine.Regs.Rsp, machine.Read<ulong>(Stack0 - 16), machine.Read<ulong>(Stack0 - 8)));
    }

    [Fact]
    public void ASegmentThatAReturnNullsKeepsItsBase_Sdm2_Iret()
    {
        using SystemMachine machine = new(Start.Long, c => c.iretq());
        machine.System = machine.System with { Gs = machine.Register(Data32) with { Base = 0x400 } };
        ulong[] frame = [Data, UserCode64, 2, Stack3, UserData];
        machine.Regs.Rsp -= 40;
        for (int i = 0; i < frame.Length; i++)
        {
            machine.Write(machine.Regs.Rsp + (ulong)i * 8, frame[i]);
        }
        machine.Write(Data + 0x800, 0xDEADBEEFu);
        machine.Assemble(Data, c => { c.mov(eax, __dword_ptr.gs[Data + 0x400]); c.@int(0x80); });
        Seen seen = machine.See();
        Assert.Equal((0x80, 0xDEADBEEFul, (ushort)0), (seen.Vector, machine.Regs.Rax, machine.Cpu.Segments.Gs.Selector));
    }

    [Fact]
    public void SmswStoresWordsAndWholeRegisters_Sdm2_Smsw()
    {
        using SystemMachine machine = new(Start.Long, c => { c.smsw(ax); c.smsw(ebx); c.smsw(rcx); c.smsw(__word_ptr[Data]); });
        (machine.Regs.Rax, machine.Regs.Rbx, machine.Regs.Rcx) = (ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);
        machine.Write(Data, ulong.MaxValue);
        machine.Done();
        ulong cr0 = machine.System.Cr0;
        Assert.Equal((0xFFFF_FFFF_FFFF_0000 | (ushort)cr0, cr0, cr0, 0xFFFF_FFFF_FFFF_0000 | (ushort)cr0), (machine.Regs.Rax, machine.Regs.Rbx, machine.Regs.Rcx, machine.Read<ulong>(Data)));
    }

    [Fact]
    public void SixtyFourBitJumpBeyondCanonicalFaultsAtTheJump_Sdm2_Jmp()
    {
        using SystemMachine machine = new(Start.Long, c => c.jmp(__qword_ptr[Data]));
        machine.Write(Data, 0x1111_1111_1111_1111ul);
        machine.Faults(13, 0);
    }

    [Fact]
    public void AnMmxStoreReportsAPendingX87Exception_Sdm3_12_6()
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.fninit();
            c.fldcw(__word_ptr[Data]);
            c.fldz();
            c.fldz();
            c.fdivp(st1, st0);
            c.movq(__qword_ptr[Data], mm0);
        });
        machine.System = machine.System with { Cr0 = machine.System.Cr0 | 0x20 };
        Assert.Equal(16, machine.See().Vector);
    }

    [Fact]
    public void FetchesFromPagesOfAllSizesAcrossTheirEnds_Sdm3_4_5()
    {
        const ulong End = 0x4020_0000;
        using SystemMachine machine = new(Start.Long, c => c.jmp(rax));
        machine.Pages[machine.Pages.At(0x4000_0000, 2)] = PageTables.All | PageTables.Large;
        machine.Pages.Map(End, Data);
        machine.Write(0x1FFFFE, (byte)0xB9, (byte)0x44);
        machine.Write(Data, (byte)0x33, (byte)0x22, (byte)0x11, (byte)0xF4);
        machine.Regs.Rax = End - 2;
        Assert.Equal((ExitReason.Hlt, End + 4, 0x11223344ul), (machine.Run().Reason, machine.Regs.Rip, machine.Regs.Rcx));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnIretWhoseFrameCannotBeReadFaultsAtTheIret_Sdm3_6_15_14(bool writes)
    {
        using SystemMachine machine = new(Start.Long, c => { c.mov(rsp, rax); c.iretq(); });
        machine.SetGate(14, Gate(InterruptGate32, Code64, Handler(14), count: 1));
        machine.Pages.Change(Data, 0, PageTables.Present);
        machine.Regs.Rax = writes ? Data - 8 : Data;
        Seen seen = machine.See();
        Assert.Equal((14, 0u, Origin + 3, Data), (seen.Vector, seen.ErrorCode, seen.Rip, machine.System.Cr2));
        Assert.Equal(machine.Regs.Rax, seen.Rsp);
    }
}
