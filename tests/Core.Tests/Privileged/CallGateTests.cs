using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Call gates (SDM Vol. 3 5.8.3–5.8.6).</summary>
public sealed class CallGateTests
{
    const int GeneralProtection = 13, NotPresent = 11, StackFault = 12, InvalidTss = 10;
    const uint Target = (uint)Data;

    /// <summary>A machine whose code goes through the gate at <see cref="Free"/>, whose target is a HLT.</summary>
    static SystemMachine Through(Start start, ulong gate, bool jumps = false, int rpl = -1, Action<Assembler>? before = null)
    {
        ushort selector = (ushort)(Free | (rpl < 0 ? start.Cpl : rpl));
        SystemMachine machine = new(start, c =>
        {
            before?.Invoke(c);
            if (start.Bits == 64)
            {
                c.call(__fword_ptr[Data + 0x100]);
            }
            else if (jumps)
            {
                c.jmp(selector, 0xDEADBEEF);
            }
            else
            {
                c.call(selector, 0xDEADBEEF);
            }
        });
        machine.SetDescriptor(Free, gate);
        machine.Write(Target, 0xF4);
        machine.Write(Data + 0x100, (uint)0xDEADBEEF);
        machine.Write(Data + 0x104, selector);
        return machine;
    }

    static void Arrives(SystemMachine machine, ushort cs)
    {
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Target + 1UL, cs), (machine.Exit.Reason, machine.Regs.Rip, machine.Cpu.Segments.Cs.Selector));
    }

    [Theory]
    [InlineData(CallGate32, 4)]
    [InlineData(CallGate16, 2)]
    public void SameLevel_PushesAFarPointerOfTheGatesSize_Sdm3_5_8_4(int type, int slot)
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(type, Code32, Target));
        Arrives(machine, Code32);
        Assert.Equal(Stack0 - 2 * (ulong)slot, machine.Regs.Rsp);
        Assert.Equal((machine.CodeEnd, (ulong)Code32), slot == 4
            ? (machine.Read<uint>(Stack0 - 8), machine.Read<uint>(Stack0 - 4))
            : (machine.Read<ushort>(Stack0 - 4), (ulong)machine.Read<ushort>(Stack0 - 2)));
    }

    [Theory]
    [InlineData(CallGate32, 4, 0)]
    [InlineData(CallGate32, 4, 3)]
    [InlineData(CallGate32, 4, 31)]
    [InlineData(CallGate16, 2, 0)]
    [InlineData(CallGate16, 2, 5)]
    public void InnerLevel_CopiesParametersBetweenTheStackPointers_Sdm3_5_8_5(int type, int slot, int count)
    {
        using SystemMachine machine = Through(Start.User32, Gate(type, Code32, Target, 3, count));
        for (int i = 0; i < count * slot; i++)
        {
            machine.Write(Stack3 + (ulong)i, (byte)(i + 1));
        }
        Arrives(machine, Code32);
        ulong sp = Stack0 - 0x100 - (ulong)((4 + count) * slot);
        Assert.Equal((sp, Data32, 0), (machine.Regs.Rsp, machine.Cpu.Segments.Ss.Selector, machine.Cpu.Segments.Cs.Selector & 3));
        ulong[] frame = [machine.CodeEnd, UserCode32, .. new ulong[count], Stack3, UserData];
        for (int i = 0; i < frame.Length; i++)
        {
            ulong at = sp + (ulong)(i * slot);
            ulong value = slot == 4 ? machine.Read<uint>(at) : machine.Read<ushort>(at);
            if (i is > 1 && i < 2 + count)
            {
                Assert.Equal(Enumerable.Range((i - 2) * slot + 1, slot).Select(b => (byte)b), BitConverter.GetBytes(value).Take(slot));
            }
            else
            {
                Assert.Equal(frame[i], value);
            }
        }
    }

    [Fact]
    public void InnerLevel_ReturnReleasesParametersFromBothStacks_Sdm3_5_8_6()
    {
        using SystemMachine machine = new(Start.User32, c =>
        {
            c.push(0x11111111);
            c.push(0x22222222);
            c.call((ushort)(Free | 3), 0);
            c.nop();
            c.@int(0x80);
        });
        machine.SetDescriptor(Free, Gate(CallGate32, Code32, Target, 3, 2));
        machine.Assemble(Target, c => { c.mov(eax, __dword_ptr[esp + 8]); c.retf(8); });
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack3, UserData, UserCode32), (seen.Vector, seen.Rsp, seen.Ss, seen.Cs));
        Assert.Equal(0x22222222u, machine.Regs.Rax);
    }

    [Fact]
    public void InnerLevel_ParametersBeyondTheOuterStackAreAStackFault_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32, Target, 3, 4));
        machine.SetDescriptor(UserData, Segment(DataWritable | Accessed, 3, limit: (uint)Stack3 + 7, flags: Big));
        machine.Begin();
        machine.Faults(StackFault, 0);
    }

    [Fact]
    public void InnerLevel_NewStackTooSmallIsAStackFaultWithItsSelector_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32Level1, Target, 3));
        machine.SetDescriptor(Data32Level1, Segment(DataWritable | Accessed, 1, limit: 0xFFFF, flags: Big));
        machine.Write(Tss + 12, 8u);
        machine.Faults(StackFault, (uint)Data32Level1 & ~3u);
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(0x2000, 0x2000u)]
    [InlineData(Data32Level1 & ~3, 0x78u)]
    [InlineData(Code32Level1, 0x70u)]
    [InlineData(Data32 | 1, 0x10u)]
    public void InnerLevel_BadStackSelectorIsAnInvalidTss_Sdm2_Call(int selector, uint error)
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32Level1, Target, 3));
        machine.Write(Tss + 16, (uint)selector);
        machine.Faults(InvalidTss, error);
    }

    [Fact]
    public void InnerLevel_StackNotPresentIsAStackFault_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32Level1, Target, 3));
        machine.SetDescriptor(Data32Level1, Segment(DataWritable, 1, present: false));
        machine.Faults(StackFault, 0x78);
    }

    [Fact]
    public void InnerLevel_TssTooShortForTheStackIsAnInvalidTss_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32Level1, Target, 3));
        machine.System = machine.System with { Tr = machine.System.Tr with { Limit = 0x10 } };
        machine.Faults(InvalidTss, TssSelector);
    }

    [Fact]
    public void InnerLevel_16BitTssGives16BitStackPointers_Sdm3_7_6()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32, Target, 3));
        machine.System = machine.System with { Tr = machine.System.Tr with { Attributes = 0x83 } };
        machine.Write(Tss + 2, (ushort)0x9F00);
        machine.Write(Tss + 4, Data32);
        Arrives(machine, Code32);
        Assert.Equal(0x9F00u - 16, machine.Regs.Rsp);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ConformingTargetKeepsTheLevel_Sdm3_5_8_4(bool jumps)
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, ConformingCode32, (uint)Data, 3), jumps);
        machine.Assemble(Target, c => c.@int(0x80));
        Seen seen = machine.See();
        Assert.Equal((0x80, (ushort)(ConformingCode32 | 3), Target + 2UL, Stack3 - (jumps ? 0u : 8)), (seen.Vector, seen.Cs, seen.Rip, seen.Rsp));
    }

    [Fact]
    public void JumpToMorePrivilegeIsRefused_Sdm3_5_8_4()
    {
        using SystemMachine machine = Through(Start.User32, Gate(CallGate32, Code32, Target, 3), jumps: true);
        machine.Faults(GeneralProtection, Code32);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 3)]
    public void GateOfLessDplThanCplOrRplIsRefused_Sdm3_5_8_4(int dpl, int rpl)
    {
        using SystemMachine machine = Through(rpl == 0 ? Start.User32 : Start.Protected32, Gate(CallGate32, Code32, Target, dpl), rpl: rpl);
        machine.Faults(GeneralProtection, Free);
    }

    [Fact]
    public void GateNotPresentIsReportedWithItsSelector_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(CallGate32, Code32, Target, present: false));
        machine.Faults(NotPresent, Free);
    }

    [Theory]
    [InlineData(0, GeneralProtection, 0u)]
    [InlineData(3, GeneralProtection, 0u)]
    [InlineData(0x2008, GeneralProtection, 0x2008u)]
    [InlineData(Data32, GeneralProtection, 0x10u)]
    [InlineData(TssSelector, GeneralProtection, 0x50u)]
    [InlineData(UserCode32, GeneralProtection, 0x30u)]
    public void BadTargetIsReportedWithItsSelector_Sdm2_Call(int target, int vector, uint error)
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(CallGate32, target, Target));
        machine.Faults(vector, error);
    }

    [Fact]
    public void TargetNotPresent_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(CallGate32, Free + 8, Target));
        machine.SetDescriptor(Free + 8, Segment(CodeReadable, present: false));
        machine.Faults(NotPresent, Free + 8);
    }

    [Fact]
    public void TargetBeyondTheLimit_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(CallGate32, Code16, 0x10000));
        machine.Faults(GeneralProtection, 0);
    }

    [Fact]
    public void SixteenBitGateIgnoresTheUpperHalfOfItsOffset_Sdm3_5_8_3()
    {
        using SystemMachine machine = Through(Start.Protected32, Gate(CallGate16, Code32, Target | 0xABCD0000));
        Arrives(machine, Code32);
    }

    [Fact]
    public void Long_InnerLevelPushesFourQuadwordsAndANullStackSegment_Sdm3_5_8_5_1()
    {
        using SystemMachine machine = Through(Start.User64, Gate(CallGate32, Code64, Target, 3, count: 5));
        Arrives(machine, Code64);
        ulong sp = Stack0 - 0x100 - 32;
        Assert.Equal((sp, (ushort)0), (machine.Regs.Rsp, machine.Cpu.Segments.Ss.Selector));
        Assert.Equal((machine.CodeEnd, (ulong)UserCode64, Stack3, (ulong)UserData),
            (machine.Read<ulong>(sp), machine.Read<ulong>(sp + 8), machine.Read<ulong>(sp + 16), machine.Read<ulong>(sp + 24)));
    }

    [Fact]
    public void Long_ToLevel1TheNullStackSegmentHasItsLevel_Sdm3_5_8_5_1()
    {
        using SystemMachine machine = Through(Start.User64, Gate(CallGate32, Free + 16, Target, 3));
        machine.SetDescriptor(Free + 16, Segment(CodeReadable, 1, flags: Long | Granular));
        machine.Assemble(Target, c => c.@int(0x80));
        Seen seen = machine.See();
        Assert.Equal((0x80, (ushort)1, (ushort)(Free + 16 | 1), Stack1 - 32), (seen.Vector, seen.Ss, seen.Cs, seen.Rsp));
    }

    [Fact]
    public void Long_SameLevelPushesQuadwords_Sdm3_5_8_3_1()
    {
        using SystemMachine machine = Through(Start.Long, Gate(CallGate32, Code64, Target));
        Arrives(machine, Code64);
        Assert.Equal((machine.CodeEnd, (ulong)Code64, Stack0 - 16), (machine.Read<ulong>(Stack0 - 16), machine.Read<ulong>(Stack0 - 8), machine.Regs.Rsp));
    }

    [Theory]
    [InlineData(CallGate16)]
    [InlineData(TaskGate)]
    [InlineData(Tss16)]
    [InlineData(Tss32)]
    public void Long_HasNoOtherFarTargets_Sdm3_5_8_3_1(int type)
    {
        using SystemMachine machine = Through(Start.Compatibility, Gate(type, Code64, Target));
        machine.Faults(GeneralProtection, Free);
    }

    [Theory]
    [InlineData(Code32, 0x08u)]
    [InlineData(Code16, 0x18u)]
    public void Long_TargetHasToBe64BitCode_Sdm3_5_8_3_1(int selector, uint error)
    {
        using SystemMachine machine = Through(Start.Compatibility, Gate(CallGate32, selector, Target));
        machine.Faults(GeneralProtection, error);
    }

    [Fact]
    public void Long_UpperTypeFieldHasToBeZero_Sdm3_5_8_3_1()
    {
        using SystemMachine machine = Through(Start.Compatibility, Gate(CallGate32, Code64, Target));
        machine.SetDescriptor(Free, Gate(CallGate32, Code64, Target), 1UL << 40);
        machine.Faults(GeneralProtection, Free);
    }

    [Fact]
    public void Long_TargetHasToBeCanonical_Sdm2_Call()
    {
        using SystemMachine machine = Through(Start.Compatibility, Gate(CallGate32, Code64, Target));
        machine.SetDescriptor(Free, Gate(CallGate32, Code64, Target), 0x8000);
        machine.Faults(GeneralProtection, 0);
    }
}
