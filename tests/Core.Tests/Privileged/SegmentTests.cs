using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Segment loads, limits, and what may be known of descriptors (SDM Vol. 3 chapters 3 and 5).</summary>
public sealed class SegmentTests
{
    const ushort Other = Free + 8, System = Free + 16;
    const ulong Zero = 0x40;

    /// <summary>Loads DS (or SS) with a selector and stops.</summary>
    static SystemMachine Loading(Start start, int selector, ulong descriptor, bool isStack = false)
    {
        SystemMachine machine = new(start, c =>
        {
            if (isStack)
            {
                c.mov(ss, eax);
            }
            else
            {
                c.mov(ds, eax);
            }
            c.@int(0x80);
        });
        machine.SetDescriptor(Free, descriptor);
        machine.Regs.Rax = (ulong)selector;
        return machine;
    }

    static void Expect(SystemMachine machine, int vector, uint? error)
    {
        Seen seen = machine.See();
        Assert.Equal((vector, error), (seen.Vector, seen.ErrorCode));
    }

    [Theory]
    [InlineData(DataReadOnly, true)]
    [InlineData(DataWritable, true)]
    [InlineData(ExpandDownReadOnly, true)]
    [InlineData(ExpandDown, true)]
    [InlineData(ExecuteOnly, false)]
    [InlineData(CodeReadable, true)]
    [InlineData(Conforming, false)]
    [InlineData(ConformingReadable, true)]
    [InlineData(LocalTable, false)]
    [InlineData(Tss32, false)]
    [InlineData(CallGate32, false)]
    public void DataSegmentTypes_Sdm2_Mov(int type, bool loads)
    {
        using SystemMachine machine = Loading(Start.Protected32, Free, Segment(type));
        Expect(machine, loads ? 0x80 : 13, loads ? null : Free);
        Assert.Equal(loads ? type | Accessed | 0x80 : type | 0x80, Access(machine.GetDescriptor(Free)));
        Assert.Equal(loads ? Free : Data32, machine.Cpu.Segments.Ds.Selector);
    }

    [Theory]
    [InlineData(DataWritable, true)]
    [InlineData(ExpandDown, true)]
    [InlineData(DataReadOnly, false)]
    [InlineData(CodeReadable, false)]
    [InlineData(LocalTable, false)]
    public void StackSegmentTypes_Sdm2_Mov(int type, bool loads)
    {
        using SystemMachine machine = Loading(Start.Protected32, Free, Segment(type, limit: type == ExpandDown ? 0 : 0xFFFFFu), isStack: true);
        Expect(machine, loads ? 0x80 : 13, loads ? null : Free);
    }

    [Fact]
    public void LevelsOfDataSegments_Sdm3_5_6()
    {
        for (int cpl = 0; cpl <= 3; cpl++)
        {
            for (int dpl = 0; dpl <= 3; dpl++)
            {
                for (int rpl = 0; rpl <= 3; rpl++)
                {
                    using SystemMachine data = Loading(Start.Protected32 with { Cpl = cpl }, Free | rpl, Segment(DataWritable, dpl));
                    Expect(data, dpl >= Math.Max(cpl, rpl) ? 0x80 : 13, dpl >= Math.Max(cpl, rpl) ? null : Free);
                    using SystemMachine stack = Loading(Start.Protected32 with { Cpl = cpl }, Free | rpl, Segment(DataWritable, dpl), isStack: true);
                    bool loads = dpl == cpl && rpl == cpl;
                    Expect(stack, loads ? 0x80 : 13, loads ? null : Free);
                }
            }
        }
    }

    [Fact]
    public void ConformingCodeIsReadableFromEveryLevel_Sdm3_5_6_1()
    {
        using SystemMachine machine = Loading(Start.User32, Free | 3, Segment(ConformingReadable));
        Expect(machine, 0x80, null);
    }

    [Theory]
    [InlineData(false, 11)]
    [InlineData(true, 12)]
    public void NotPresent_Sdm2_Mov(bool isStack, int vector)
    {
        using SystemMachine machine = Loading(Start.Protected32, Free, Segment(DataWritable, present: false), isStack);
        Expect(machine, vector, Free);
        Assert.Equal(DataWritable, Access(machine.GetDescriptor(Free)));
    }

    [Theory]
    [InlineData(0x1000)]
    [InlineData(0x1004)]
    [InlineData(0xFFF8)]
    public void BeyondTheTable_Sdm2_Mov(int selector)
    {
        using SystemMachine machine = Loading(Start.Protected32, selector, 0);
        machine.System = machine.System with { Ldt = machine.System.Ldt with { Limit = 0xFFE } };
        Expect(machine, 13, (uint)selector & ~3u);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void NullDataSegmentsLoadAndFaultWhenUsed_Sdm3_3_4_2(int selector)
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.mov(ds, eax); c.mov(ecx, __dword_ptr[0]); });
        machine.Regs.Rax = (ulong)selector;
        machine.Faults(13, 0, Origin + 2);
        Assert.Equal(selector, machine.Cpu.Segments.Ds.Selector);
    }

    [Fact]
    public void NullStackSegmentIsRefused_Sdm3_3_4_2()
    {
        using SystemMachine machine = Loading(Start.Protected32, 0, 0, isStack: true);
        Expect(machine, 13, 0);
    }

    [Fact]
    public void MovToCsIsUndefined_Sdm2_Mov()
    {
        using SystemMachine machine = new(Start.Protected32, [0x8E, 0xC8]);
        machine.Faults(6);
    }

    public static TheoryData<ulong, uint, uint, bool, bool> Limits => new()
    {
        // descriptor, offset, size, is inside, for reads only
        { Segment(DataWritable, limit: 0xFFF, flags: Big), 0xFFC, 4, true, false },
        { Segment(DataWritable, limit: 0xFFF, flags: Big), 0xFFD, 4, false, false },
        { Segment(DataWritable, limit: 0xFFF, flags: Big), 0xFFFFFFFF, 4, false, false },
        { Segment(DataWritable, limit: 1), 0x1FFC, 4, true, false },
        { Segment(DataWritable, limit: 1), 0x1FFD, 4, false, false },
        { Segment(DataWritable, limit: 0), 0xFFF, 1, true, false },
        { Segment(DataReadOnly, limit: 1), 0, 4, true, true },
        { Segment(ExpandDown, limit: 0xFFF, flags: Big), 0xFFF, 1, false, false },
        { Segment(ExpandDown, limit: 0xFFF, flags: Big), 0x1000, 4, true, false },
        { Segment(ExpandDown, limit: 0xFFF, flags: Big), 0x20000, 4, true, false },
        { Segment(ExpandDown, limit: 0xFFF, flags: 0), 0xFFFC, 4, true, false },
        { Segment(ExpandDown, limit: 0xFFF, flags: 0), 0xFFFD, 4, false, false },
        { Segment(ExpandDown, limit: 0xFFF, flags: 0), 0x10000, 1, false, false },
        { Segment(ExpandDown, limit: 1, flags: Big | Granular), 0x1FFF, 1, false, false },
        { Segment(ExpandDown, limit: 1, flags: Big | Granular), 0x2000, 1, true, false },
        { Segment(ExpandDownReadOnly, limit: 0xFFF, flags: Big), 0x1000, 4, true, true },
        { Segment(CodeReadable, limit: 0xFFF, flags: Big), 0xFFC, 4, true, true },
    };

    [Theory]
    [MemberData(nameof(Limits))]
    public void LimitsAndRights_Sdm3_5_3(ulong descriptor, uint offset, uint size, bool isInside, bool isReadOnly)
    {
        foreach (bool writes in new[] { false, true })
        {
            using SystemMachine machine = new(Start.Protected32, c =>
            {
                AssemblerMemoryOperand place = size == 1 ? __byte_ptr.fs[ebx] : __dword_ptr.fs[ebx];
                c.mov(fs, eax);
                if (writes)
                {
                    c.mov(place, 0);
                }
                else
                {
                    c.cmp(place, 0);
                }
                c.@int(0x80);
            });
            machine.SetDescriptor(Free, descriptor);
            (machine.Regs.Rax, machine.Regs.Rbx) = (Free, offset);
            bool works = isInside && !(writes && isReadOnly);
            Expect(machine, works ? 0x80 : 13, works ? null : 0);
        }
    }

    [Theory]
    [InlineData(0xFFFu, 0x1003u, false)]
    [InlineData(0xFFFu, 0x1004u, true)]
    public void PushesIntoAnExpandDownStack_Sdm3_5_3(uint limit, uint top, bool works)
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.mov(ss, eax); c.mov(esp, ebx); c.push(ecx); c.hlt(); });
        machine.SetDescriptor(Free, Segment(ExpandDown, limit: limit, flags: Big));
        (machine.Regs.Rax, machine.Regs.Rbx) = (Free, top);
        machine.SetDescriptor(Other, Descriptors.System(Tss32, OtherTss, 0x67));
        machine.Write(OtherTss + 0x20, (uint)Handler(12));
        machine.Write(OtherTss + 0x4C, Code32);
        machine.Write(OtherTss + 0x50, Data32);
        machine.Write(OtherTss + 0x38, (uint)Stack1);
        machine.SetGate(12, Gate(TaskGate, Other));
        machine.Run();
        Assert.Equal(works ? machine.CodeEnd : Handler(12) + 1, machine.Regs.Rip);
        Assert.Equal(works ? top - 4 : Stack1 - 4, machine.Regs.Rsp);
    }

    [Fact]
    public void ASmallStackWrapsAt64K_Sdm3_5_3()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.mov(ss, eax); c.xor(esp, esp); c.push(ecx); c.mov(ebx, esp); c.hlt(); });
        machine.SetDescriptor(Free, Segment16(DataWritable));
        machine.Regs.Rax = Free;
        machine.Regs.Rcx = 0x99887766;
        machine.Run();
        Assert.Equal((0xFFFCul, 0x99887766u), (machine.Regs.Rbx, machine.Read<uint>(0xFFFC)));
    }

    [Theory]
    [InlineData("FC020000", 13, 0u)]
    [InlineData("00000000", 13, 0u)]
    public void FarJumpsToNullOrBeyond_Sdm2_Jmp(string offset, int vector, uint error)
    {
        using SystemMachine machine = new(Start.Protected32, [0xEA, .. Convert.FromHexString(offset), 0, 0]);
        machine.Faults(vector, error);
    }

    [Theory]
    [InlineData(CodeReadable, 0, 0, 0, true)]
    [InlineData(CodeReadable, 0, 0, 3, false)]
    [InlineData(CodeReadable, 3, 3, 0, true)]
    [InlineData(CodeReadable, 3, 0, 3, false)]
    [InlineData(CodeReadable, 0, 3, 0, false)]
    [InlineData(Conforming, 3, 0, 3, true)]
    [InlineData(Conforming, 0, 3, 0, false)]
    [InlineData(DataWritable, 0, 0, 0, false)]
    public void DirectFarTransfersKeepTheLevel_Sdm3_5_8_1(int type, int cpl, int dpl, int rpl, bool works)
    {
        foreach (bool calls in new[] { false, true })
        {
            using SystemMachine machine = new(Start.Protected32 with { Cpl = cpl }, c =>
            {
                if (calls)
                {
                    c.call((ushort)(Free | rpl), (uint)Data);
                }
                else
                {
                    c.jmp((ushort)(Free | rpl), (uint)Data);
                }
            });
            machine.SetDescriptor(Free, Segment(type, dpl));
            machine.Assemble(Data, c => c.@int(0x80));
            Seen seen = machine.See();
            Assert.Equal(works ? (0x80, (uint?)null) : (13, Free), (seen.Vector, seen.ErrorCode));
            if (works)
            {
                Assert.Equal(((ushort)(Free | cpl), type | Accessed | 0x80), (seen.Cs, Access(machine.GetDescriptor(Free)) & 0x9F));
            }
        }
    }

    [Theory]
    [InlineData(Tss16, true, true)]
    [InlineData(LocalTable, true, true)]
    [InlineData(BusyTss16, true, true)]
    [InlineData(CallGate16, true, false)]
    [InlineData(TaskGate, true, false)]
    [InlineData(InterruptGate16, false, false)]
    [InlineData(TrapGate16, false, false)]
    [InlineData(0, false, false)]
    [InlineData(8, false, false)]
    [InlineData(Tss32, true, true)]
    [InlineData(BusyTss32, true, true)]
    [InlineData(CallGate32, true, false)]
    [InlineData(InterruptGate32, false, false)]
    [InlineData(TrapGate32, false, false)]
    public void LarAndLslOfSystemTypes_Sdm2_Lar(int type, bool hasRights, bool hasLimit)
    {
        foreach (Start start in new[] { Start.Protected32, Start.Compatibility })
        {
            using SystemMachine machine = new(start, c => { c.lar(ecx, eax); c.pushfd(); c.lsl(edx, eax); c.pushfd(); });
            machine.SetDescriptor(System, Descriptors.System(type, 0, 0x12345));
            (machine.Regs.Rax, machine.Regs.Rcx, machine.Regs.Rdx) = (System, 0xAAAA, 0xBBBB);
            machine.Done();
            bool isLong = start.IsLong, survives = !isLong || type is LocalTable or Tss32 or BusyTss32 or CallGate32;
            bool rights = hasRights && survives, limit = hasLimit && survives;
            Assert.Equal((rights ? (ulong)type << 8 | 0x018000 : 0xAAAA, rights), (machine.Regs.Rcx, (machine.Read<uint>(Stack0 - 4) & Zero) != 0));
            Assert.Equal((limit ? 0x12345ul : 0xBBBB, limit), (machine.Regs.Rdx, (machine.Read<uint>(Stack0 - 8) & Zero) != 0));
        }
    }

    [Fact]
    public void LslOfAGranularSegment_Sdm2_Lsl()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.lsl(ecx, eax); c.lsl(dx, ax); });
        machine.SetDescriptor(Free, Segment(DataWritable, limit: 0x12345));
        (machine.Regs.Rax, machine.Regs.Rdx) = (Free, 0x55550000);
        machine.Done();
        Assert.Equal((0x12345FFFul, 0x55555FFFul), (machine.Regs.Rcx, machine.Regs.Rdx));
    }

    [Theory]
    [InlineData(DataReadOnly, 3, 3, true, false)]
    [InlineData(DataWritable, 3, 3, true, true)]
    [InlineData(DataWritable, 3, 0, false, false)]
    [InlineData(DataWritable, 0, 3, true, true)]
    [InlineData(ExecuteOnly, 0, 0, false, false)]
    [InlineData(CodeReadable, 0, 0, true, false)]
    [InlineData(CodeReadable, 3, 0, false, false)]
    [InlineData(ConformingReadable, 3, 0, true, false)]
    [InlineData(Conforming, 3, 0, false, false)]
    [InlineData(LocalTable, 0, 0, false, false)]
    public void VerrAndVerw_Sdm2_Verr(int type, int cpl, int dpl, bool readable, bool writable)
    {
        using SystemMachine machine = new(Start.Protected32 with { Cpl = cpl }, c => { c.verr(ax); c.pushfd(); c.verw(ax); c.pushfd(); c.@int(0x80); });
        machine.SetDescriptor(Free, Segment(type, dpl));
        machine.Regs.Rax = Free | (uint)cpl;
        ulong sp = machine.Regs.Rsp;
        Assert.Equal(0x80, machine.See().Vector);
        Assert.Equal((readable, writable), ((machine.Read<uint>(sp - 4) & Zero) != 0, (machine.Read<uint>(sp - 8) & Zero) != 0));
    }

    [Theory]
    [InlineData(0x10, 0x13, 0x13, true)]
    [InlineData(0x13, 0x10, 0x13, false)]
    [InlineData(0x12, 0x12, 0x12, false)]
    public void Arpl_Sdm2_Arpl(int destination, int source, int result, bool zero)
    {
        using SystemMachine machine = new(Start.User32, c => { c.arpl(ax, cx); c.arpl(__word_ptr[(int)Data], cx); c.pushfd(); c.@int(0x80); });
        (machine.Regs.Rax, machine.Regs.Rcx) = ((ulong)destination, (ulong)source);
        machine.Write(Data, (ushort)destination);
        Seen seen = machine.See();
        Assert.Equal((0x80, (ulong)result, (ushort)result, zero), (seen.Vector, machine.Regs.Rax, machine.Read<ushort>(Data), (seen.Flags & Zero) != 0));
    }

    [Fact]
    public void ArplThatChangesNothingMayLeadToReadOnlyMemory_Sdm2_Arpl()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.mov(ds, eax); c.arpl(__word_ptr[(int)Data], ax); });
        machine.SetDescriptor(Free, Segment(DataReadOnly));
        machine.Regs.Rax = Free;
        machine.Write(Data, (ushort)3);
        machine.Done();
    }

    [Fact]
    public void Long_SegmentsHaveNoLimitAndOnlyFsAndGsABase_Sdm3_3_4_4()
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.mov(ds, eax);
            c.mov(fs, eax);
            c.mov(ecx, __dword_ptr[rbx]);
            c.mov(edx, __dword_ptr.fs[rbx]);
        });
        machine.SetDescriptor(Free, Segment(DataWritable, address: 0x100, limit: 0, flags: Big));
        (machine.Regs.Rax, machine.Regs.Rbx) = (Free, Data);
        machine.Write(Data, 0x11111111u);
        machine.Write(Data + 0x100, 0x22222222u);
        machine.Done();
        Assert.Equal((0x11111111ul, 0x22222222ul), (machine.Regs.Rcx, machine.Regs.Rdx));
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(3, 3, false)]
    [InlineData(0, 3, false)]
    public void Long_NullStackSegments_Sdm2_Mov(int cpl, int selector, bool loads)
    {
        using SystemMachine machine = new(Start.Long with { Cpl = cpl }, c => { c.mov(ss, eax); c.@int(0x80); });
        machine.Regs.Rax = (ulong)selector;
        Expect(machine, loads ? 0x80 : 13, loads ? null : 0);
    }
}
