using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Interrupt and trap gates (SDM Vol. 3 6.11–6.14).</summary>
public sealed class InterruptGateTests
{
    const int Vector = 0x80;
    const ulong Interrupt = 0x200, Trap = 0x100, Nested = 0x4000, AllSettable = 0x4ED5;

    [Theory]
    [InlineData(InterruptGate32, 4, false)]
    [InlineData(InterruptGate16, 2, false)]
    [InlineData(TrapGate32, 4, true)]
    [InlineData(TrapGate16, 2, true)]
    public void SameLevel_FrameAndFlags_Sdm3_6_12_1(int type, int slot, bool keepsInterrupts)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.SetGates(type, Code32);
        machine.Regs.Rflags = Interrupt | Nested | 0x2 | 0x8D5;
        Seen seen = machine.See();
        Assert.Equal((Vector, Origin + 2, Code32, (ulong)(Interrupt | Nested | 2 | 0x8D5), Stack0 - (ulong)(3 * slot)), (seen.Vector, seen.Rip, seen.Cs, seen.Flags, machine.Regs.Rsp));
        Assert.Equal((keepsInterrupts ? Interrupt : 0) | 2 | 0x8D5, machine.Regs.Rflags);
    }

    [Theory]
    [InlineData(InterruptGate32, 4)]
    [InlineData(TrapGate16, 2)]
    public void InnerLevel_SwitchesToTheStackOfTheTss_Sdm3_6_12_1(int type, int slot)
    {
        using SystemMachine machine = new(Start.User32, c => c.@int(Vector));
        machine.SetGates(type, Code32);
        Seen seen = machine.See();
        Assert.Equal((UserCode32, Stack3, UserData), (seen.Cs, seen.Rsp, seen.Ss));
        Assert.Equal((Stack0 - 0x100 - (ulong)(5 * slot), Data32), (machine.Regs.Rsp, machine.Cpu.Segments.Ss.Selector));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SoftwareInterruptsNeedADplOfAtLeastTheCpl_Sdm3_6_12_1_1(int dpl)
    {
        foreach (Start start in new[] { Start.User32, Start.User32 with { Cpl = 1 }, Start.User32 with { Cpl = 2 }, Start.Protected32 })
        {
            using SystemMachine machine = new(start, c => c.@int(Vector));
            machine.SetGate(Vector, Gate(InterruptGate32, Code32, Handler(Vector), dpl));
            Seen seen = machine.See();
            Assert.Equal(dpl >= start.Cpl ? (Vector, null) : (13, Vector * 8u + 2), (seen.Vector, seen.ErrorCode));
        }
    }

    [Fact]
    public void ExceptionsIgnoreTheDpl_Sdm3_6_12_1_1()
    {
        using SystemMachine machine = new(Start.User32, c => c.ud2());
        machine.SetGates(InterruptGate32, Code32, dpl: 0);
        machine.Faults(6);
    }

    [Theory]
    [InlineData("CC", 3)]
    [InlineData("CE", 4)]
    public void Int3AndIntoNeedTheDplAsWell_Sdm2_Int(string code, int vector)
    {
        using SystemMachine machine = new(Start.User32, Convert.FromHexString(code));
        machine.SetGates(InterruptGate32, Code32, dpl: 0);
        machine.Regs.Rflags |= 0x800;
        machine.Faults(13, (uint)vector * 8 + 2);
    }

    [Fact]
    public void Int1NeedsNoPrivilege_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.User32, [0xF1]);
        machine.SetGates(InterruptGate32, Code32, dpl: 0);
        Assert.Equal((1, Origin + 1), (machine.See().Vector, machine.Frame(1).Rip));
    }

    [Fact]
    public void BeyondTheTable_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.System = machine.System with { Idt = new TableRegister(Idt, Vector * 8 + 6) };
        machine.Faults(13, Vector * 8 + 2);
    }

    [Theory]
    [InlineData(CallGate32)]
    [InlineData(Tss32)]
    [InlineData(BusyTss32)]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData(CodeReadable)]
    public void OtherTypesAreNoGates_Sdm2_Int(int type)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(type, Code32, Handler(Vector), 3));
        machine.Faults(13, Vector * 8 + 2);
    }

    [Fact]
    public void NotPresent_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code32, Handler(Vector), 3, present: false));
        machine.Faults(11, Vector * 8 + 2);
    }

    [Theory]
    [InlineData(0, 13, 0u)]
    [InlineData(0x2008, 13, 0x2008u)]
    [InlineData(Data32, 13, 0x10u)]
    [InlineData(UserCode32, 13, 0x30u)]
    [InlineData(Free, 11, 0x100u)]
    public void BadHandlerSegment_Sdm2_Int(int selector, int vector, uint error)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.SetDescriptor(Free, Segment(CodeReadable, present: false));
        machine.SetGate(Vector, Gate(InterruptGate32, selector, Handler(Vector), 3));
        machine.Faults(vector, error);
    }

    [Theory]
    [InlineData(6, 13, 0u | 1)]
    [InlineData(6, 11, 0x100u | 1)]
    public void ErrorsOfAnExceptionsDeliveryHaveTheExternalBit_Sdm3_6_13(int first, int second, uint error)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.ud2());
        machine.SetDescriptor(Free, Segment(CodeReadable, present: false));
        machine.SetGate(first, Gate(InterruptGate32, second == 13 ? 0 : Free, Handler(first), 3));
        machine.Faults(second, error);
    }

    [Fact]
    public void ErrorsOfAnInterruptsDeliveryHaveTheExternalBit_Sdm3_6_13()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.nop());
        machine.SetGate(0x30, Gate(InterruptGate32, Code32, 0, present: false));
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.Interrupt(0x30);
        machine.Faults(11, 0x30 * 8 + 3);
    }

    [Fact]
    public void HandlerBeyondTheLimit_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code16, 0x10000, 3));
        machine.Faults(13, 0);
    }

    [Fact]
    public void ConformingHandlerKeepsTheLevel_Sdm3_6_12_1()
    {
        using SystemMachine machine = new(Start.User32, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, ConformingCode32, Data, 3));
        machine.Assemble(Data, c => c.@int(0x81));
        Seen seen = machine.See();
        Assert.Equal((0x81, (ushort)(ConformingCode32 | 3), Stack3 - 12), (seen.Vector, seen.Cs, seen.Rsp));
    }

    [Fact]
    public void StackFaultWhilePushing_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.User32, c => c.@int(Vector));
        machine.SetDescriptor(Free, Segment(CodeReadable, 1));
        machine.SetDescriptor(Data32Level1, Segment(DataWritable, 1, limit: 0xFFFF, flags: Big));
        machine.SetGate(Vector, Gate(InterruptGate32, Free, Handler(Vector), 3));
        machine.Write(Tss + 12, 16u);
        machine.Faults(12, Data32Level1 & ~3u);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Long_AlignsTheStackAndPushesItAlways_Sdm3_6_14_2(int cpl)
    {
        using SystemMachine machine = new(Start.Long with { Cpl = cpl }, c => c.@int(Vector));
        machine.Regs.Rsp -= 3;
        Seen seen = machine.See();
        ulong top = cpl == 0 ? Stack0 - 16 : Stack0 - 0x100;
        Assert.Equal((cpl == 0 ? Stack0 - 3 : Stack3 - 3, cpl == 0 ? Data32 : UserData, top - 40), (seen.Rsp, seen.Ss, machine.Regs.Rsp));
        Assert.Equal(cpl == 0 ? Data32 : (ushort)0, machine.Cpu.Segments.Ss.Selector);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Long_InterruptStackTableSwitchesAlways_Sdm3_6_14_5(int cpl)
    {
        using SystemMachine machine = new(Start.Long with { Cpl = cpl }, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code64, Handler(Vector), 3, count: 1));
        Assert.Equal(Vector, machine.See().Vector);
        Assert.Equal((InterruptStack - 40, cpl == 0 ? Data32 : (ushort)0), (machine.Regs.Rsp, machine.Cpu.Segments.Ss.Selector));
    }

    [Fact]
    public void Long_StackOfTheTableNotCanonicalIsAStackFault_Sdm3_6_14_2()
    {
        using SystemMachine machine = new(Start.Long, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code64, Handler(Vector), 3, count: 1));
        machine.Write(Tss + 0x24, 0x9000_0000_0000ul);
        machine.Faults(12, 0);
    }

    [Fact]
    public void Long_TssTooShortForTheInterruptStack_Sdm3_6_14_5()
    {
        using SystemMachine machine = new(Start.Long, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code64, Handler(Vector), 3, count: 7));
        machine.System = machine.System with { Tr = machine.System.Tr with { Limit = 0x5A } };
        machine.Faults(10, TssSelector);
    }

    [Theory]
    [InlineData(InterruptGate16)]
    [InlineData(TrapGate16)]
    [InlineData(TaskGate)]
    public void Long_HasNoOtherGates_Sdm3_6_14_1(int type)
    {
        using SystemMachine machine = new(Start.Long, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(type, Code64, Handler(Vector), 3));
        machine.Faults(13, Vector * 8 + 2);
    }

    [Theory]
    [InlineData(Code32, 0x08u)]
    [InlineData(Free, 0x100u)]
    public void Long_HandlersAre64BitCode_Sdm3_6_14_1(int selector, uint error)
    {
        using SystemMachine machine = new(Start.Long, c => c.@int(Vector));
        machine.SetDescriptor(Free, Segment(CodeReadable, flags: Long | Big | Granular));
        machine.SetGate(Vector, Gate(InterruptGate32, selector, Handler(Vector), 3));
        machine.Faults(13, error);
    }

    [Fact]
    public void Long_HandlerNotCanonical_Sdm2_Int()
    {
        using SystemMachine machine = new(Start.Long, c => c.@int(Vector));
        machine.SetGate(Vector, Gate(InterruptGate32, Code64, Handler(Vector), 3), 0x8000);
        machine.Faults(13, 0);
    }

    [Fact]
    public void Long_FromCompatibilityModeGoesTo64BitCode_Sdm3_6_14_2()
    {
        using SystemMachine machine = new(Start.Compatibility with { Cpl = 3 }, c => c.@int(Vector));
        Seen seen = machine.See();
        Assert.Equal((Vector, UserCode32, Stack3, UserData, Code64), (seen.Vector, seen.Cs, seen.Rsp, seen.Ss, machine.Cpu.Segments.Cs.Selector));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ExternalInterruptsUseTheGateAndItsIf_Sdm3_6_8_1(bool isTrapGate)
    {
        using SystemMachine machine = new(Start.Protected32, c => c.nop());
        machine.SetGates(isTrapGate ? TrapGate32 : InterruptGate32, Code32, dpl: 0);
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.Interrupt(0x30);
        Seen seen = machine.See();
        Assert.Equal((0x30, Origin, Interrupt | 2, (isTrapGate ? Interrupt : 0) | 2), (seen.Vector, seen.Rip, seen.Flags, machine.Regs.Rflags));
    }

    [Fact]
    public void FaultsPushTheResumeFlagAndTrapsDoNot_Sdm3_18_3_1_1()
    {
        const ulong Resume = 0x10000;
        using SystemMachine fault = new(Start.Protected32, c => c.ud2());
        Assert.Equal(Resume | 2, fault.See().Flags);
        using SystemMachine trap = new(Start.Protected32, c => c.int3());
        Assert.Equal((3, 2ul), (trap.See().Vector, trap.Frame(3).Flags));
    }

    [Fact]
    public void SixteenBitGatePushesTheLowHalfOfTheFlags_Sdm3_21_4()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.ud2());
        machine.SetGates(InterruptGate16, Code32);
        machine.Regs.Rflags = AllSettable & ~Trap | 2;
        Assert.Equal(AllSettable & ~Trap | 2, machine.See().Flags);
    }
}
