using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>IRET and far RET in every direction (SDM Vol. 2, IRET, RET; Vol. 3 5.8.6, 6.12.1).</summary>
public sealed class ReturnTests
{
    const ulong Nested = 0x4000, Virtual = 0x20000;
    const ulong Target = Data;

    /// <summary>Code that pushes a frame, first value first, and returns.</summary>
    static SystemMachine Returning(Start start, int size, bool isInterrupt, params ulong[] frame)
    {
        byte[] prefix = start.Bits switch { 64 => size == 8 ? [0x48] : size == 2 ? [0x66] : [], _ => size == 2 ? [0x66] : [] };
        SystemMachine machine = new(start, [.. prefix, (byte)(isInterrupt ? 0xCF : 0xCB)]);
        machine.Regs.Rsp -= (ulong)(frame.Length * size);
        for (int i = 0; i < frame.Length; i++)
        {
            machine.Write(machine.Regs.Rsp + (ulong)((frame.Length - 1 - i) * size), BitConverter.GetBytes(frame[i])[..size]);
        }
        machine.Assemble(Target, c => c.@int(0x80), 32);
        return machine;
    }

    static SystemMachine Iret(Start start, int size, params ulong[] frame) => Returning(start, size, true, frame);

    static SystemMachine Retf(Start start, int size, params ulong[] frame) => Returning(start, size, false, frame);

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Iret_SameLevelRestoresTheFlagsOfItsSize_Sdm2_Iret(int size)
    {
        using SystemMachine machine = Iret(Start.Protected32, size, 0x243ED7, Code32, Target);
        Seen seen = machine.See();
        Assert.Equal((0x80, Target + 2), (seen.Vector, seen.Rip));
        Assert.Equal(size == 2 ? 0x3ED7u : 0x243ED7u, seen.Flags);
        Assert.Equal(Stack0 - 12, machine.Regs.Rsp);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Iret_ToOuterLevelTakesTheStackAndNullsSegments_Sdm3_5_8_6(int size)
    {
        using SystemMachine machine = Iret(Start.Protected32, size, UserData, Stack3, 0x3202, UserCode32, Target);
        machine.SetDescriptor(Free, Segment(ConformingReadable | Accessed));
        SystemRegisters system = machine.System;
        machine.System = system with { Ds = machine.Register(Data32), Es = machine.Register(UserData), Fs = machine.Register(Free), Gs = machine.Register(Code32) };
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack3, UserData, UserCode32, 0x3202ul), (seen.Vector, seen.Rsp, seen.Ss, seen.Cs, seen.Flags));
        SegmentFile segments = machine.Cpu.Segments;
        Assert.Equal(((ushort)0, UserData, Free, (ushort)0), (segments.Ds.Selector, segments.Es.Selector, segments.Fs.Selector, segments.Gs.Selector));
    }

    [Fact]
    public void Iret_At3ChangesNeitherIfNorIopl_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.User32, 4, 0x3202 | 0x40000, UserCode32, Target);
        Assert.Equal(0x40002ul, machine.See().Flags);
        using SystemMachine privileged = Iret(Start.User32, 4, 2, UserCode32, Target);
        privileged.Regs.Rflags |= 0x3200;
        Assert.Equal(0x3002ul, privileged.See().Flags);
    }

    [Fact]
    public void Iret_To16BitStackChangesOnlySp_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Protected32, 4, Free | 3, 0x12345678, 2, UserCode32, Target);
        machine.SetDescriptor(Free, Segment16(DataWritable, 3));
        machine.Assemble(Target, c => { c.mov(eax, esp); c.@int(0x80); });
        machine.See();
        Assert.Equal(0x5678ul, machine.Regs.Rax & 0xFFFF);
        Assert.NotEqual(0x12345678ul, machine.Regs.Rax);
    }

    public static TheoryData<string, ulong[], int, uint> Bad => new()
    {
        { "null CS", [2, 0, Target], 13, 0 },
        { "null CS with RPL", [2, 3, Target], 13, 0 },
        { "CS beyond the table", [2, 0x2008, Target], 13, 0x2008 },
        { "data", [2, Data32, Target], 13, Data32 },
        { "RPL 3 with DPL 0", [2, Code32 | 3, Target], 13, Code32 },
        { "RPL 0 with DPL 3", [2, UserCode32 & ~3ul, Target], 13, UserCode32 & ~3u },
        { "conforming with DPL above RPL", [2, 0x100, Target], 13, 0x100 },
        { "not present", [2, 0x108, Target], 11, 0x108 },
        { "beyond the limit", [2, Code16, 0x10000], 13, 0 },
        { "null SS", [0, Stack3, 2, UserCode32, Target], 13, 0 },
        { "SS beyond the table", [0x2003, Stack3, 2, UserCode32, Target], 13, 0x2000 },
        { "SS of RPL 0", [UserData & ~3ul, Stack3, 2, UserCode32, Target], 13, UserData & ~3u },
        { "SS of DPL 0", [Data32 | 3, Stack3, 2, UserCode32, Target], 13, Data32 },
        { "SS is code", [UserCode32, Stack3, 2, UserCode32, Target], 13, UserCode32 & ~3u },
        { "SS not writable", [0x113, Stack3, 2, UserCode32, Target], 13, 0x110 },
        { "SS not present", [0x11B, Stack3, 2, UserCode32, Target], 12, 0x118 },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Iret_Refuses_Sdm2_Iret(string what, ulong[] frame, int vector, uint error)
    {
        using SystemMachine machine = Iret(Start.Protected32, 4, frame);
        SetBad(machine);
        ulong sp = machine.Regs.Rsp;
        Seen seen = machine.Faults(vector, error);
        Assert.True(sp == machine.Regs.Rsp + 16 && seen.Cs == Code32, what);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Retf_Refuses_Sdm2_Ret(string what, ulong[] frame, int vector, uint error)
    {
        using SystemMachine machine = Retf(Start.Protected32, 4, [.. frame[..^3], .. frame[^2..]]);
        SetBad(machine);
        Assert.Equal(Code32, machine.Faults(vector, error).Cs);
        Assert.NotEmpty(what);
    }

    static void SetBad(SystemMachine machine)
    {
        machine.SetDescriptor(0x100, Segment(ConformingReadable, 1));
        machine.SetDescriptor(0x108, Segment(CodeReadable, present: false));
        machine.SetDescriptor(0x110, Segment(DataReadOnly, 3));
        machine.SetDescriptor(0x118, Segment(DataWritable, 3, present: false));
    }

    [Fact]
    public void Iret_ToMorePrivilegeIsRefused_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.User32, 4, 2, Code32, Target);
        machine.Faults(13, Code32);
    }

    [Fact]
    public void Retf_ToOuterLevelNullsSegmentsAndReleases_Sdm3_5_8_6()
    {
        using SystemMachine machine = new(Start.Protected32, c => c.retf(8));
        ulong[] frame = [Target, UserCode32, 1, 2, Stack3 - 0x40, UserData];
        for (int i = 0; i < frame.Length; i++)
        {
            machine.Write(Stack0 - 24 + (ulong)i * 4, (uint)frame[i]);
        }
        machine.Regs.Rsp = Stack0 - 24;
        machine.Assemble(Target, c => c.@int(0x80));
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack3 - 0x38, UserData, (ushort)0), (seen.Vector, seen.Rsp, seen.Ss, machine.Cpu.Segments.Ds.Selector));
    }

    [Fact]
    public void Iret_ToVirtual8086Mode_Sdm3_20_2_2()
    {
        using SystemMachine machine = Iret(Start.Protected32, 4, 0x60, 0x50, 0x40, 0x30, 0x120, 0x3FFE, Virtual | 0x3202, 0xD00, 0);
        machine.Assemble(Target, c => { c.mov(ax, __word_ptr.fs[0]); c.hlt(); }, 16);
        machine.Write(0x500, (ushort)0xBEEF);
        Seen seen = machine.See();
        Assert.Equal((13, 0u, (ulong)4, (ushort)0xD00, Virtual | 0x13202), (seen.Vector, seen.ErrorCode!.Value, seen.Rip, seen.Cs, seen.Flags));
        Assert.Equal((0x3FFEul, (ushort)0x120, 0xBEEFul), (seen.Rsp, seen.Ss, machine.Regs.Rax & 0xFFFF));
        ulong sp = machine.Regs.Rsp + 24;
        Assert.Equal((0x30u, 0x40u, 0x50u, 0x60u), (machine.Read<uint>(sp), machine.Read<uint>(sp + 4), machine.Read<uint>(sp + 8), machine.Read<uint>(sp + 12)));
        Assert.Equal((ushort)0, machine.Cpu.Segments.Fs.Selector);
    }

    [Fact]
    public void Iret_VmIsIgnoredAboveLevel0_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.User32, 4, Virtual | 2, UserCode32, Target);
        Assert.Equal((0x80, 2ul), (machine.See().Vector, machine.Frame(0x80).Flags));
    }

    [Fact]
    public void Iret_VirtualTargetBeyond64KIsRefused_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Protected32, 4, 0, 0, 0, 0, 0, 0x3FFE, Virtual | 2, 0xD00, 0x10000);
        machine.Faults(13, 0);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Long_IretAlwaysPopsTheStack_Sdm2_Iret(int size)
    {
        using SystemMachine machine = Iret(Start.Long, size, 0, Stack2, 2, Code64, Target);
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack2, (ushort)0), (seen.Vector, seen.Rsp, seen.Ss));
    }

    [Fact]
    public void Long_IretToUserAndCompatibility_Sdm2_Iret()
    {
        foreach (ushort cs in new[] { UserCode64, UserCode32 })
        {
            using SystemMachine machine = Iret(Start.Long, 8, UserData, Stack3, 0x202, cs, Target);
            Seen seen = machine.See();
            Assert.Equal((0x80, Stack3, UserData, cs, (ushort)0), (seen.Vector, seen.Rsp, seen.Ss, seen.Cs, machine.Cpu.Segments.Ds.Selector));
        }
    }

    [Theory]
    [InlineData(0ul, 3, 13, 0u)]
    [InlineData(1ul, 0, 13, 0u)]
    [InlineData((ulong)UserData, 0, 13, 0x38u)]
    public void Long_IretStackSelectors_Sdm2_Iret(ulong ss, int cpl, int vector, uint error)
    {
        using SystemMachine machine = Iret(Start.Long, 8, ss, Stack2, 2, cpl == 3 ? UserCode64 : Code64, Target);
        machine.Faults(vector, error);
    }

    [Fact]
    public void Long_IretToLevel3With64BitCodeNeedsAStackSegment_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Long, 8, 3, Stack3, 2, UserCode64, Target);
        machine.Faults(13, 0);
    }

    [Fact]
    public void Long_IretToNonCanonicalAddress_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Long, 8, Data32, Stack2, 2, Code64, 0x8000_0000_0000);
        machine.Faults(13, 0);
    }

    [Fact]
    public void Long_IretWithNestedTaskIsRefused_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Long, 8, Data32, Stack2, 2, Code64, Target);
        machine.Regs.Rflags |= Nested;
        machine.Faults(13, 0);
    }

    [Fact]
    public void Long_IretPopsBeyondCanonicalAsAStackFault_Sdm2_Iret()
    {
        using SystemMachine machine = Iret(Start.Long, 8);
        machine.Regs.Rsp = 0x9000_0000_0000;
        machine.SetGate(12, Gate(InterruptGate32, Code64, Handler(12), count: 1));
        machine.Faults(12, 0);
    }

    [Fact]
    public void Long_RetfToCompatibilityModeAndBack_Sdm2_Ret()
    {
        using SystemMachine machine = Retf(Start.Long, 4, Code32, Target);
        machine.Assemble(Target, c => { c.mov(eax, 1); c.call(Code64, (uint)Target + 0x40); c.@int(0x80); }, 32);
        machine.Assemble(Target + 0x40, c => { c.mov(rbx, 0x123456789AUL); c.db(0xCB); }, 64);
        Seen seen = machine.See();
        Assert.Equal((0x80, Code32, 0x123456789Aul), (seen.Vector, seen.Cs, machine.Regs.Rbx));
    }

    [Fact]
    public void Long_RetfqToUser_Sdm2_Ret()
    {
        using SystemMachine machine = Retf(Start.Long, 8, UserData, Stack3, UserCode64, Target);
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack3, UserData, UserCode64), (seen.Vector, seen.Rsp, seen.Ss, seen.Cs));
    }

    [Fact]
    public void IretUnblocksNmisEvenWhenItFaults_Sdm3_6_7_1()
    {
        using SystemMachine machine = Iret(Start.Protected32, 4, 2, 0, Target);
        machine.Cpu.Nmi();
        Assert.Equal(2, machine.See().Vector);
        machine.Regs.Rip = Origin;
        machine.Regs.Rsp = Stack0 - 12;
        machine.Write(Stack0 - 8, 0u);
        machine.Write(Stack0 - 12, (uint)Target);
        Assert.Equal(13, machine.See().Vector);
        Assert.False(machine.Cpu.Events.Nmi.IsMasked);
    }
}
