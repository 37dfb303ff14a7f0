using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Hardware task switches (SDM Vol. 3 chapter 7).</summary>
public sealed class TaskSwitchTests
{
    const ushort New = Free, NewGate = Free + 8, NewLdt = Free + 16;
    const int Vector = 0x80;
    const uint NewEip = (uint)Data, NewEsp = (uint)Stack1, Nested = 0x4000;
    const ulong TaskSwitched = 8;

    public enum By
    {
        Jump,
        Call,
        JumpGate,
        CallGate,
        Interrupt,
        Return,
    }

    /// <summary>The code switches to the task at <see cref="OtherTss"/>, whose code is a HLT.</summary>
    static SystemMachine Switching(By by, bool is32 = true, Start? start = null, Action<Assembler>? newCode = null)
    {
        SystemMachine machine = new(start ?? Start.Protected32, c =>
        {
            switch (by)
            {
                case By.Jump:
                    c.jmp(New, 0);
                    break;
                case By.Call:
                    c.call(New, 0);
                    break;
                case By.JumpGate:
                    c.jmp(NewGate, 0);
                    break;
                case By.CallGate:
                    c.call(NewGate, 0);
                    break;
                case By.Interrupt:
                    c.@int(Vector);
                    break;
                default:
                    c.iretd();
                    break;
            }
        });
        int type = (is32 ? Tss32 : Tss16) | (by == By.Return ? 2 : 0);
        machine.SetDescriptor(New, Descriptors.System(type, OtherTss, is32 ? 0x67u : 0x2Bu, 3));
        machine.SetDescriptor(NewGate, Gate(TaskGate, New, dpl: 3));
        machine.SetGate(Vector, Gate(TaskGate, New, dpl: 3));
        WriteTask(machine, OtherTss, is32, NewEip, NewEsp);
        machine.Assemble(NewEip, newCode ?? (c => c.hlt()), 32);
        if (by == By.Return)
        {
            machine.Write(Tss, New);
            machine.Regs.Rflags |= Nested;
        }
        return machine;
    }

    static void WriteTask(SystemMachine machine, ulong tss, bool is32, uint eip, uint esp)
    {
        uint[] values = [eip, 0x202, 0xA0A0A0A0, 0xC1C1C1C1, 0xD2D2D2D2, 0xB3B3B3B3, esp, 0xB5B5B5B5, 0x56565656, 0xD7D7D7D7, Data32, Code32, Data32, Data32, Data32, 0, 0];
        for (int i = 0; i < (is32 ? 17 : 14); i++)
        {
            if (is32)
            {
                machine.Write(tss + 0x20 + (ulong)i * 4, values[i]);
            }
            else
            {
                machine.Write(tss + 0x0E + (ulong)i * 2, (ushort)values[i]);
            }
        }
        machine.Write(tss + (is32 ? 0x60u : 0x2A), (ushort)0);
        if (is32)
        {
            machine.Write(tss + 0x1C, (uint)machine.System.Cr3);
            machine.Write(tss + 0x64, (ushort)0);
        }
    }

    static bool IsBusy(SystemMachine machine, ushort selector) => (Access(machine.GetDescriptor(selector)) & 2) != 0;

    [Theory]
    [InlineData(By.Jump)]
    [InlineData(By.Call)]
    [InlineData(By.JumpGate)]
    [InlineData(By.CallGate)]
    [InlineData(By.Interrupt)]
    [InlineData(By.Return)]
    public void BusyBitsLinkAndNestedFlag_Sdm3_Table_7_2(By by)
    {
        using SystemMachine machine = Switching(by);
        machine.Run();
        Assert.Equal((ExitReason.Hlt, NewEip + 1ul), (machine.Exit.Reason, machine.Regs.Rip));
        bool nests = by is By.Call or By.CallGate or By.Interrupt;
        Assert.Equal((nests, true), (IsBusy(machine, TssSelector), IsBusy(machine, New)));
        Assert.Equal(nests ? TssSelector : 0, machine.Read<ushort>(OtherTss));
        Assert.Equal(0x202u | (nests ? Nested : 0), machine.Regs.Rflags);
        Assert.Equal(2u, machine.Read<uint>(Tss + 0x24));
        Assert.Equal((New, 0x8B, TaskSwitched), (machine.System.Tr.Selector, machine.System.Tr.Attributes & 0x9F, machine.System.Cr0 & TaskSwitched));
    }

    [Fact]
    public void RegistersAreSavedAndLoaded_Sdm3_7_3()
    {
        using SystemMachine machine = Switching(By.Jump);
        for (int i = 0; i < 8; i++)
        {
            machine.Regs[i] = i == 4 ? Stack0 : 0x11110000u + (uint)i;
        }
        machine.Run();
        Assert.Equal((0xA0A0A0A0ul, 0xD2D2D2D2ul, (ulong)NewEsp, 0xD7D7D7D7ul), (machine.Regs.Rax, machine.Regs.Rdx, machine.Regs.Rsp, machine.Regs.Rdi));
        Assert.Equal(((uint)machine.CodeEnd, 2u, 0x11110000u, (uint)Stack0, 0x11110007u),
            (machine.Read<uint>(Tss + 0x20), machine.Read<uint>(Tss + 0x24), machine.Read<uint>(Tss + 0x28), machine.Read<uint>(Tss + 0x38), machine.Read<uint>(Tss + 0x44)));
        Assert.Equal((Data32, Code32, Data32, Data32, (ushort)0), (machine.Read<ushort>(Tss + 0x48), machine.Read<ushort>(Tss + 0x4C),
            machine.Read<ushort>(Tss + 0x50), machine.Read<ushort>(Tss + 0x54), machine.Read<ushort>(Tss + 0x58)));
    }

    [Fact]
    public void SixteenBitTask_Sdm3_7_6()
    {
        using SystemMachine machine = Switching(By.Call, is32: false);
        machine.Run();
        Assert.Equal((ExitReason.Hlt, NewEip + 1ul, (ushort)0xA0A0, (ulong)(Nested | 0x202)), (machine.Exit.Reason, machine.Regs.Rip, (ushort)machine.Regs.Rax, machine.Regs.Rflags));
        Assert.Equal((0x83, (ushort)0, (ushort)0), (machine.System.Tr.Attributes & 0x9F, machine.Cpu.Segments.Fs.Selector, machine.Cpu.Segments.Gs.Selector));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ANestedTaskReturnsWithIret_Sdm3_7_4(bool is32)
    {
        using SystemMachine machine = Switching(By.Call, is32, newCode: c => c.iretd());
        machine.Done();
        Assert.Equal((true, false, 2ul), (IsBusy(machine, TssSelector), IsBusy(machine, New), machine.Regs.Rflags));
        Assert.Equal(0x202u, is32 ? machine.Read<uint>(OtherTss + 0x24) : machine.Read<ushort>(OtherTss + 0x10));
        Assert.Equal(NewEip + 1u, is32 ? machine.Read<uint>(OtherTss + 0x20) : machine.Read<ushort>(OtherTss + 0x0E));
    }

    [Fact]
    public void ErrorCodesGoToTheNewTasksStack_Sdm3_6_12_2()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.mov(ds, eax));
        machine.Regs.Rax = 0x1230;
        machine.SetDescriptor(New, Descriptors.System(Tss32, OtherTss, 0x67));
        WriteTask(machine, OtherTss, true, NewEip, NewEsp);
        machine.Write(NewEip, (byte)0xF4);
        machine.SetGate(13, Gate(TaskGate, New));
        machine.Run();
        Assert.Equal((NewEip + 1ul, NewEsp - 4ul, 0x1230u), (machine.Regs.Rip, machine.Regs.Rsp, machine.Read<uint>(NewEsp - 4)));
        Assert.Equal(((uint)Origin, 0x10002u), (machine.Read<uint>(Tss + 0x20), machine.Read<uint>(Tss + 0x24)));
    }

    [Fact]
    public void TheTrapBitIsADebugExceptionOfTheNewTask_Sdm3_18_3_1_5()
    {
        using SystemMachine machine = Switching(By.Jump);
        machine.Write(OtherTss + 0x64, (ushort)1);
        Seen seen = machine.See();
        Assert.Equal((1, (ulong)NewEip, 0xFFFF8FF0ul), (seen.Vector, seen.Rip, machine.Cpu.DebugRegisters.Dr6));
    }

    [Fact]
    public void LocalBreakpointsGo_Sdm3_18_2_4()
    {
        using SystemMachine machine = Switching(By.Jump, newCode: c => { c.mov(eax, __dword_ptr[(int)Data + 0x80]); c.hlt(); });
        DebugRegisters local = new(Data + 0x80, NewEip, 0, 0, 0xFFFF0FF0, 0x400 | 0x155 | 0xF << 16);
        machine.Cpu.DebugRegisters = local;
        machine.Run();
        Assert.Equal((ExitReason.Hlt, NewEip + 6ul, 0x400ul | 0xF << 16), (machine.Exit.Reason, machine.Regs.Rip, machine.Cpu.DebugRegisters.Dr7));
    }

    [Fact]
    public void GlobalBreakpointsStay_Sdm3_18_2_4()
    {
        using SystemMachine machine = Switching(By.Jump, newCode: c => { c.nop(); c.hlt(); });
        machine.Cpu.DebugRegisters = new(NewEip + 1, 0, 0, 0, 0xFFFF0FF0, 0x402);
        Seen seen = machine.See();
        Assert.Equal((1, NewEip + 1ul, 0xFFFF0FF1ul), (seen.Vector, seen.Rip, machine.Cpu.DebugRegisters.Dr6));
    }

    [Fact]
    public void PageDirectoryIsLoadedWithPaging_Sdm3_7_3()
    {
        using SystemMachine machine = Switching(By.Jump, start: Start.Paged32, newCode: c => { c.mov(eax, __dword_ptr[0x100000]); c.hlt(); });
        PageTables other = new(machine.Vm, Paging.TwoLevels, 0x80000);
        for (ulong page = 0; page < 0x40000; page += 0x1000)
        {
            other.Map(page, page);
        }
        other.Map(0x100000, 0x9000);
        machine.Write(0x9000, 0x600DF00Du);
        machine.Write(OtherTss + 0x1C, 0x80000u);
        machine.Run();
        Assert.Equal((ExitReason.Hlt, 0x600DF00Dul, 0x80000ul), (machine.Exit.Reason, machine.Regs.Rax, machine.System.Cr3));
    }

    [Fact]
    public void LdtOfTheNewTaskIsUsedForItsSegments_Sdm3_7_2_1()
    {
        using SystemMachine machine = Switching(By.Jump);
        machine.SetDescriptor(NewLdt, Descriptors.System(LocalTable, Data + 0x800, 0xF));
        machine.Write(Data + 0x808, Segment(DataWritable, address: 0x1000));
        machine.Write(OtherTss + 0x60, NewLdt);
        machine.Write(OtherTss + 0x48, (ushort)0x0C);
        machine.Run();
        Assert.Equal((ExitReason.Hlt, 0x1000ul, NewLdt), (machine.Exit.Reason, machine.Cpu.Segments.Es.Base, machine.System.Ldt.Selector));
        Assert.Equal(DataWritable | Accessed | 0x80, Access(machine.Read<ulong>(Data + 0x808)));
    }

    [Theory]
    [InlineData(By.Jump, 13)]
    [InlineData(By.CallGate, 13)]
    [InlineData(By.Interrupt, 13)]
    public void ABusyTaskIsNotEntered_Sdm3_Table_7_1(By by, int vector)
    {
        using SystemMachine machine = Switching(by);
        machine.SetDescriptor(New, Descriptors.System(BusyTss32, OtherTss, 0x67, 3));
        machine.Faults(vector, New);
        Assert.False(machine.System.Tr.Selector == New);
    }

    [Theory]
    [InlineData(By.Jump, 11)]
    [InlineData(By.CallGate, 11)]
    [InlineData(By.Interrupt, 11)]
    [InlineData(By.Return, 11)]
    public void ATaskThatIsNotPresent_Sdm3_Table_7_1(By by, int vector)
    {
        using SystemMachine machine = Switching(by);
        machine.SetDescriptor(New, machine.GetDescriptor(New) & ~(0x80ul << 40));
        machine.Faults(vector, New);
    }

    [Theory]
    [InlineData(By.Jump, true)]
    [InlineData(By.Jump, false)]
    [InlineData(By.Return, true)]
    public void ATaskThatIsTooShort_Sdm3_Table_7_1(By by, bool is32)
    {
        using SystemMachine machine = Switching(by, is32);
        machine.SetDescriptor(New, machine.GetDescriptor(New) - 1);
        machine.Faults(10, New);
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(Data32, 0x10u)]
    [InlineData(0x2000, 0x2000u)]
    [InlineData(0x0C, 0x0Cu)]
    public void IretWithABadLink_Sdm3_Table_7_1(int link, uint error)
    {
        using SystemMachine machine = Switching(By.Return);
        machine.Write(Tss, (ushort)link);
        machine.Faults(10, error);
    }

    [Fact]
    public void IretToATaskThatIsNotBusy_Sdm3_Table_7_1()
    {
        using SystemMachine machine = Switching(By.Return);
        machine.SetDescriptor(New, Descriptors.System(Tss32, OtherTss, 0x67));
        machine.Faults(10, New);
    }

    [Theory]
    [InlineData(0x4C, 0, 10, 0u)]
    [InlineData(0x4C, Data32, 10, 0x10u)]
    [InlineData(0x4C, UserCode32 & ~3, 10, 0x30u)]
    [InlineData(0x4C, 0x140, 11, 0x140u)]
    [InlineData(0x50, 0, 10, 0u)]
    [InlineData(0x50, Code32, 10, 0x08u)]
    [InlineData(0x50, UserData, 10, 0x38u)]
    [InlineData(0x50, 0x148, 12, 0x148u)]
    [InlineData(0x54, TssSelector, 10, 0x50u)]
    [InlineData(0x48, 0x148, 11, 0x148u)]
    [InlineData(0x58, 0x150, 10, 0x150u)]
    [InlineData(0x5C, 0x2000, 10, 0x2000u)]
    [InlineData(0x60, Data32, 10, 0x10u)]
    [InlineData(0x60, 0x158, 10, 0x158u)]
    [InlineData(0x60, 0x64, 10, 0x64u)]
    public void FaultsOfTheNewTasksSegments_Sdm3_Table_7_1(int field, int selector, int vector, uint error)
    {
        using SystemMachine machine = Switching(By.Jump);
        machine.SetDescriptor(0x140, Segment(CodeReadable, present: false));
        machine.SetDescriptor(0x148, Segment(DataWritable, present: false));
        machine.SetDescriptor(0x150, Segment(ExecuteOnly));
        machine.SetDescriptor(0x158, Descriptors.System(LocalTable, Ldt, LdtLimit, present: false));
        machine.Write(OtherTss + (ulong)field, (ushort)selector);
        // The new task may have no stack yet: its exceptions go to a third task.
        machine.SetDescriptor(0x180, Descriptors.System(Tss32, 0x5000, 0x67));
        WriteTask(machine, 0x5000, true, (uint)Handler(vector), (uint)Stack2);
        machine.SetGate(vector, Gate(TaskGate, 0x180));
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Handler(vector) + 1), (machine.Exit.Reason, machine.Regs.Rip));
        Assert.Equal((error, New, NewEip), (machine.Read<uint>(machine.Regs.Rsp), machine.Read<ushort>(0x5000), machine.Read<uint>(OtherTss + 0x20)));
    }

    [Fact]
    public void EntryPointBeyondTheLimitIsAFaultOfTheNewTask_Sdm3_Table_7_1()
    {
        using SystemMachine machine = Switching(By.Jump);
        machine.Write(OtherTss + 0x20, 0x10000u);
        machine.Write(OtherTss + 0x4C, Code16);
        Seen seen = machine.See();
        Assert.Equal((13, 0u, 0x10000ul, Code16), (seen.Vector, seen.ErrorCode, seen.Rip, seen.Cs));
    }

    [Fact]
    public void LevelsOfTheNewTaskAndItsGate_Sdm3_7_2_5()
    {
        using SystemMachine user = Switching(By.CallGate, start: Start.User32);
        user.SetDescriptor(New, Descriptors.System(Tss32, OtherTss, 0x67));
        user.Run();
        // The DPL of the TSS does not matter behind a gate.
        Assert.Equal((ExitReason.Hlt, NewEip + 1ul), (user.Exit.Reason, user.Regs.Rip));
        using SystemMachine direct = Switching(By.Call, start: Start.User32);
        direct.SetDescriptor(New, Descriptors.System(Tss32, OtherTss, 0x67));
        direct.Faults(13, New);
    }

    [Fact]
    public void TaskInVirtual8086Mode_Sdm3_20_2_2()
    {
        using SystemMachine machine = Switching(By.Jump, newCode: c => c.hlt());
        machine.Write(OtherTss + 4, (uint)Stack0);
        machine.Write(OtherTss + 8, (uint)Data32);
        machine.Write(OtherTss + 0x24, 0x20202u);
        machine.Write(OtherTss + 0x20, NewEip - 0x1000);
        machine.Write(OtherTss + 0x4C, (ushort)0x100);
        machine.Write(OtherTss + 0x50, (ushort)0x200);
        Seen seen = machine.See();
        Assert.Equal((13, 0u, NewEip - 0x1000ul, (ushort)0x100, (ushort)0x200), (seen.Vector, seen.ErrorCode!.Value, seen.Rip, seen.Cs, seen.Ss));
        Assert.Equal(0x30202ul, seen.Flags);
    }

    [Fact]
    public void FromVirtual8086ModeToA16BitTaskClearsVm_Sdm3_20_2_3()
    {
        using SystemMachine machine = new(Start.Virtual8086, c => c.hlt());
        machine.SetDescriptor(New, Descriptors.System(Tss16, OtherTss, 0x2B));
        WriteTask(machine, OtherTss, false, NewEip, NewEsp);
        machine.Write(NewEip, (byte)0xF4);
        machine.SetGate(13, Gate(TaskGate, New));
        machine.Run();
        Assert.Equal((ExitReason.Hlt, NewEip + 1ul, (ulong)(Nested | 0x202)), (machine.Exit.Reason, machine.Regs.Rip, machine.Regs.Rflags));
        Assert.Equal(0x30002u, machine.Read<uint>(Tss + 0x24));
    }

    [Fact]
    public void AJumpToTheRunningTaskIsRefused_Sdm3_7_3()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.jmp(TssSelector, 0));
        machine.Faults(13, TssSelector);
    }

    [Fact]
    public void ATaskGateInTheLdtWorks_Sdm3_7_2_5()
    {
        using SystemMachine machine = Switching(By.Jump);
        machine.Assemble(Origin, c => c.jmp(0x0C, 0));
        machine.SetDescriptor(0x0C, Gate(TaskGate, New));
        machine.Run();
        Assert.Equal((ExitReason.Hlt, NewEip + 1ul), (machine.Exit.Reason, machine.Regs.Rip));
    }

    [Fact]
    public void ATaskGateMayNotNameTheLdt_Sdm2_Jmp()
    {
        using SystemMachine machine = Switching(By.JumpGate);
        machine.SetDescriptor(0x0C, machine.GetDescriptor(New));
        machine.SetDescriptor(NewGate, Gate(TaskGate, 0x0C));
        machine.Faults(13, 0x0C);
    }

    [Fact]
    public void PageFaultWhileReadingTheTaskBelongsToTheOldOne_Sdm3_7_3()
    {
        using SystemMachine machine = Switching(By.Jump, start: Start.Paged32);
        machine.Pages.Change(OtherTss, 0, PageTables.Present);
        Seen seen = machine.Faults(14, 0);
        Assert.Equal((OtherTss, TssSelector, false), (machine.System.Cr2 & ~0xFFFul, machine.System.Tr.Selector, IsBusy(machine, New)));
    }
}
