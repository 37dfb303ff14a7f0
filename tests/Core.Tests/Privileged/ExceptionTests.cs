using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Which exception, with which error code and address, and what a second one makes of it (SDM Vol. 3 6.15).</summary>
public sealed class ExceptionTests
{
    const ulong Absent = 0x30000;

    static void MakeGateBad(SystemMachine machine, int vector, int second)
    {
        ushort code = machine.Cpu.SystemRegisters.Efer != 0 ? Code64 : Code32;
        switch (second)
        {
            case 11:
                machine.SetGate(vector, Gate(InterruptGate32, code, Handler(vector), present: false));
                break;
            case 13:
                machine.SetGate(vector, 0);
                break;
            case 14:
                machine.Pages.Change(Idt, 0, PageTables.Present);
                break;
        }
    }


    [Fact]
    public void DivideError_Sdm3_6_15_0()
    {
        using SystemMachine machine = new(Start.Long, c => { c.xor(ecx, ecx); c.div(ecx); });
        machine.Faults(0, null, Origin + 2);
    }

    [Fact]
    public void BoundRange_Sdm3_6_15_5()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.bound(eax, __qword_ptr[(int)Data]));
        machine.Regs.Rax = 5;
        machine.Faults(5);
    }

    [Theory]
    [InlineData(0x8ul, "DBE3", 7)]
    [InlineData(0x4ul, "DBE3", 7)]
    [InlineData(0xAul, "9B", 7)]
    [InlineData(0x8ul, "9B", -1)]
    [InlineData(0x8ul, "0F6FC1", 7)]
    [InlineData(0x4ul, "0F6FC1", 6)]
    [InlineData(0x8ul, "0F28C1", 7)]
    [InlineData(0x4ul, "0F28C1", 6)]
    public void CoprocessorBitsOfCr0_Sdm3_2_5(ulong cr0, string code, int vector)
    {
        using SystemMachine machine = new(Start.Protected32, Convert.FromHexString(code));
        machine.System = machine.System with { Cr0 = machine.System.Cr0 | cr0, Cr4 = 0x200 };
        if (vector < 0)
        {
            machine.Done();
            return;
        }
        machine.Faults(vector);
    }

    [Theory]
    [InlineData(0, 13, true)]
    [InlineData(13, 11, true)]
    [InlineData(13, 13, true)]
    [InlineData(6, 13, false)]
    [InlineData(6, 11, false)]
    [InlineData(14, 11, true)]
    [InlineData(14, 13, true)]
    public void SecondExceptions_Sdm3_Table_6_5(int first, int second, bool isDouble)
    {
        using SystemMachine machine = new(Start.Paged32, c =>
        {
            switch (first)
            {
                case 0:
                    c.div(ecx);
                    break;
                case 6:
                    c.ud2();
                    break;
                case 13:
                    c.mov(ds, eax);
                    break;
                default:
                    c.mov(eax, __dword_ptr[(int)Absent]);
                    break;
            }
        });
        machine.Regs.Rax = 0x1230;
        machine.Pages.Change(Absent, 0, PageTables.Present);
        MakeGateBad(machine, first, second);
        if (second == 13 && first == 13)
        {
            Assert.Equal((8, 0u), (machine.See().Vector, machine.Frame(8).ErrorCode!.Value));
            return;
        }
        Seen seen = machine.See();
        Assert.Equal(isDouble ? 8 : second, seen.Vector);
        Assert.Equal(isDouble ? 0 : (uint)first * 8 + 3, seen.ErrorCode);
        Assert.Equal(Origin, seen.Rip);
    }

    [Fact]
    public void APageFaultAfterAContributoryOneIsServedFirst_Sdm3_Table_6_5()
    {
        // The gate's handler segment lies in a descriptor table page that is absent.
        using SystemMachine machine = new(Start.Paged32, c => c.mov(ds, eax));
        machine.Regs.Rax = 0x1230;
        machine.SetDescriptor(LdtSelector, Descriptors.System(LocalTable, Absent, LdtLimit));
        machine.Begin();
        machine.Regs.Rax = 0x1230;
        machine.SetGate(13, Gate(InterruptGate32, 0x0C, Handler(13)));
        machine.Pages.Change(Absent, 0, PageTables.Present);
        Seen seen = machine.See();
        Assert.Equal((14, 0u, Origin, Absent + 8), (seen.Vector, seen.ErrorCode!.Value, seen.Rip, machine.System.Cr2));
    }

    [Fact]
    public void PageFaultDuringAPageFaultIsADoubleFaultAndCr2IsTheSecond_Sdm3_6_15_8()
    {
        using SystemMachine machine = new(Start.Paged32, c => c.mov(eax, __dword_ptr[(int)Absent]));
        machine.SetDescriptor(LdtSelector, Descriptors.System(LocalTable, Absent + 0x1000, LdtLimit));
        machine.Begin();
        machine.SetGate(14, Gate(InterruptGate32, 0x0C, Handler(14)));
        machine.Pages.Change(Absent, 0, PageTables.Present);
        machine.Pages.Change(Absent + 0x1000, 0, PageTables.Present);
        Seen seen = machine.See();
        Assert.Equal((8, 0u, Absent + 0x1008), (seen.Vector, seen.ErrorCode!.Value, machine.System.Cr2));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(13)]
    [InlineData(14)]
    public void AThirdExceptionShutsDown_Sdm3_6_15_8(int third)
    {
        using SystemMachine machine = new(Start.Paged32, c => c.mov(ds, eax));
        machine.Regs.Rax = 0x1230;
        MakeGateBad(machine, 13, 13);
        MakeGateBad(machine, 8, third);
        Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
        Assert.Equal(Origin, machine.Regs.Rip);
    }

    [Fact]
    public void RealModeIsShutDownByATableThatIsTooShort_Sdm3_20_1_4()
    {
        using RealMachine machine = new(c => c.ud2());
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with { Idt = new TableRegister(0, 3) };
        Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
    }

    [Fact]
    public void AnInstructionLongerThan15BytesIsProtected_Sdm3_6_15_13()
    {
        using SystemMachine machine = new(Start.Long, [.. Enumerable.Repeat((byte)0x66, 15), 0x90]);
        machine.Faults(13, 0);
    }

    [Fact]
    public void FetchAcrossTheLimitFaultsAtTheInstruction_Sdm3_5_3()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.nop(); c.mov(eax, 1); });
        machine.SetDescriptor(Code32, Segment(CodeReadable | Accessed, limit: (uint)Origin + 3, flags: Big));
        machine.SetDescriptor(Free, Segment(CodeReadable));
        machine.SetGates(InterruptGate32, Free);
        machine.Begin();
        machine.Faults(13, 0, Origin + 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AlignmentCheckNeedsAmAcAndLevel3_Sdm3_6_15_17(bool enabled)
    {
        using SystemMachine machine = new(Start.User32, c => { c.mov(eax, __dword_ptr[(int)Data + 1]); c.@int(0x80); });
        machine.System = machine.System with { Cr0 = machine.System.Cr0 | (enabled ? 1u << 18 : 0) };
        machine.Regs.Rflags |= 1 << 18;
        Seen seen = machine.See();
        Assert.Equal(enabled ? (17, 0u) : (0x80, null), (seen.Vector, seen.ErrorCode));
    }

    [Fact]
    public void SegmentChecksComeBeforePageFaults_Sdm3_Table_6_2()
    {
        using SystemMachine machine = new(Start.Paged32, c => c.mov(__dword_ptr.cs[(int)Absent], eax));
        machine.Pages.Change(Absent, 0, PageTables.Present);
        machine.Faults(13, 0);
    }

    [Fact]
    public void MachineStateIsUnchangedByAFaultingReadModifyWrite_Sdm3_6_5()
    {
        using SystemMachine machine = new(Start.Paged32, c => c.add(__dword_ptr[(int)Absent - 2], eax));
        machine.Regs.Rax = 0xFFFFFFFF;
        machine.Write(Absent - 4, 0x55555555u);
        machine.Pages.Change(Absent, 0, PageTables.Writable);
        machine.System = machine.System with { Cr0 = machine.System.Cr0 | 1 << 16 };
        Seen seen = machine.Faults(14, 3);
        Assert.Equal((0x55555555u, Absent, 0x10002ul), (machine.Read<uint>(Absent - 4), machine.System.Cr2, seen.Flags));
    }
}
