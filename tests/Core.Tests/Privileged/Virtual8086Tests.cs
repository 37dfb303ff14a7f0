using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Virtual-8086 mode, without and with its extensions (SDM Vol. 3 chapter 20).</summary>
public sealed class Virtual8086Tests
{
    const ulong Interrupt = 0x200, Virtual = 0x20000, VirtualInterrupt = 0x80000, VirtualInterruptPending = 0x100000, Privileged = 0x3000, Trap = 0x100;
    const ulong Extensions = 1, ProtectedInterrupts = 2;

    static SystemMachine Machine(byte[] code, ulong flags, ulong cr4 = 0)
    {
        SystemMachine machine = new(Start.Virtual8086, code);
        machine.System = machine.System with { Cr4 = cr4 };
        machine.Regs.Rflags = Virtual | 2 | flags;
        machine.Regs.Rsp = 0xC000;
        return machine;
    }

    static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    [Theory]
    [InlineData("FA")]
    [InlineData("FB")]
    [InlineData("9C")]
    [InlineData("669C")]
    [InlineData("9D")]
    [InlineData("669D")]
    [InlineData("CF")]
    [InlineData("66CF")]
    [InlineData("CD80")]
    [InlineData("EC")]
    [InlineData("F4")]
    [InlineData("0F20C0")]
    [InlineData("0F06")]
    [InlineData("0F01D0")]
    public void SensitiveInstructionsFaultBelowIopl3_Sdm3_20_2_7(string code)
    {
        using SystemMachine machine = Machine(Bytes(code), 0);
        if (code == "0F01D0")
        {
            // XGETBV needs no privilege, only the feature.
            machine.Faults(6);
            return;
        }
        Seen seen = machine.Faults(13, 0);
        Assert.Equal((Virtual | 0x10002, (ushort)0, 0xC000ul), (seen.Flags, seen.Cs, seen.Rsp));
    }

    [Theory]
    [InlineData("0F00C0")]
    [InlineData("0F00D8")]
    [InlineData("0F02C0")]
    [InlineData("0F03C0")]
    [InlineData("0F00E0")]
    [InlineData("63C0")]
    public void ProtectedModeInstructionsAreUndefined_Sdm3_20_2_1(string code)
    {
        using SystemMachine machine = Machine(Bytes(code), Privileged);
        machine.Faults(6);
    }

    [Fact]
    public void Iopl3AllowsAllButPorts_Sdm3_20_2_7()
    {
        using SystemMachine machine = new(Start.Virtual8086, c =>
        {
            c.sti();
            c.cli();
            c.pushf();
            c.popf();
            c.pushfd();
            c.popfd();
            c.@int(0x80);
        });
        machine.Regs.Rflags = Virtual | Privileged | 2;
        Seen seen = machine.See();
        Assert.Equal((0x80, Virtual | Privileged | 2, Data32), (seen.Vector, seen.Flags, machine.Cpu.Segments.Ss.Selector));
    }

    [Theory]
    [InlineData("EC")]
    [InlineData("E664")]
    [InlineData("6C")]
    public void PortsNeedTheBitmapEvenWithIopl3_Sdm3_20_2_8_1(string code)
    {
        using SystemMachine machine = Machine(Bytes(code), Privileged);
        machine.Regs.Rdx = 0x64;
        machine.Faults(13, 0);
        machine.Begin();
        machine.Regs.Rdx = 0x64;
        machine.Write(Tss + IoMap + 0x64 / 8, 0xEF);
        Assert.Equal((ExitReason.Io, (ushort)0x64), (machine.Run().Reason, machine.Exit.Port));
    }

    [Fact]
    public void IretAtIopl3StaysInTheMode_Sdm2_Iret()
    {
        using SystemMachine machine = Machine(Bytes("66CF"), Privileged);
        machine.Regs.Rsp -= 12;
        machine.Write(0xBFF4, 0x100u);
        machine.Write(0xBFF8, 0xCF0u);
        machine.Write(0xBFFC, 0x40ED7u & ~(uint)Trap);
        machine.Write(Data, (byte)0xCD, (byte)0x80);
        Seen seen = machine.See();
        Assert.Equal((0x80, 0x102ul, (ushort)0xCF0, Virtual | Privileged | (0x40ED7 & ~Trap)), (seen.Vector, seen.Rip, seen.Cs, seen.Flags));
    }

    [Theory]
    [InlineData(ConformingCode32, 0x90u)]
    [InlineData(Code32Level1, 0x70u)]
    [InlineData(UserCode32, 0x30u)]
    public void HandlersAreAtLevel0AndNotConforming_Sdm3_20_2_3(int selector, uint error)
    {
        using SystemMachine machine = Machine(Bytes("CD80"), Privileged);
        machine.SetGate(0x80, Gate(InterruptGate32, selector, Handler(0x80), 3));
        machine.Faults(13, error);
    }

    [Fact]
    public void Int3AndIntoGoThroughTheirGatesAtAnyIopl_Sdm3_20_3_3()
    {
        foreach ((string code, int vector) in new[] { ("CC", 3), ("CE", 4) })
        {
            using SystemMachine machine = Machine(Bytes(code), 0x800);
            Assert.Equal((vector, Origin + 1), (machine.See().Vector, machine.Frame(vector).Rip));
        }
    }

    [Fact]
    public void SegmentsOf64KFaultAtTheirEnd_Sdm3_20_1_1()
    {
        using SystemMachine machine = Machine(Bytes("A1FFFF"), 0);
        machine.Faults(13, 0);
        using SystemMachine stack = Machine(Bytes("36A1FFFF"), 0);
        stack.Faults(12, 0);
    }

    [Fact]
    public void SixteenBitGatesSave16BitSegments_Sdm3_20_2_3()
    {
        using SystemMachine machine = Machine(Bytes("CD80"), Privileged);
        machine.SetGates(InterruptGate16, Code32);
        Seen seen = machine.See();
        Assert.Equal((0x80, 0xC000ul, Stack0 - 0x100 - 18), (seen.Vector, seen.Rsp, machine.Regs.Rsp));
    }

    [Fact]
    public void Extensions_CliAndStiMoveVif_Sdm3_20_3_2()
    {
        using SystemMachine machine = Machine(Bytes("FB9CFA9CCC"), Interrupt, Extensions);
        Seen seen = machine.See();
        Assert.Equal((3, Virtual | Interrupt | 2), (seen.Vector, seen.Flags));
        // PUSHF shows VIF as IF, and IOPL 3.
        Assert.Equal((0x3202, 0x3002), (machine.Read<ushort>(0xBFFE), machine.Read<ushort>(0xBFFC)));
    }

    [Fact]
    public void Extensions_StiWithAPendingInterruptFaults_Sdm3_20_3_2()
    {
        using SystemMachine machine = Machine(Bytes("FB"), VirtualInterruptPending, Extensions);
        machine.Faults(13, 0);
    }

    [Theory]
    [InlineData(0x0202, 0ul, false)]
    [InlineData(0x0002, 0ul, false)]
    [InlineData(0x0202, VirtualInterruptPending, true)]
    [InlineData(0x0002, VirtualInterruptPending, false)]
    [InlineData(0x0102, 0ul, true)]
    public void Extensions_PopfAndIretMoveVif_Sdm3_20_3_2(int image, ulong pending, bool faults)
    {
        foreach (string code in new[] { "9DCC", "CF" })
        {
            using SystemMachine machine = Machine(Bytes(code), pending | Interrupt, Extensions);
            machine.Regs.Rsp -= 6;
            if (code == "CF")
            {
                machine.Write(0xBFFA, (ushort)Data);
                machine.Write(0xBFFE, (ushort)image);
                machine.Write(Data, (byte)0xCC);
            }
            else
            {
                machine.Write(0xBFFA, (ushort)image);
            }
            Seen seen = machine.See();
            ulong vif = (image & 0x200) != 0 ? VirtualInterrupt : 0;
            Assert.Equal(faults ? 13 : 3, seen.Vector);
            Assert.Equal(Virtual | Interrupt | 2 | pending | (faults ? 0x10000 : vif), seen.Flags);
        }
    }

    [Theory]
    [InlineData("669C")]
    [InlineData("669D")]
    [InlineData("66CF")]
    public void Extensions_Want16Bits_Sdm3_20_3_2(string code)
    {
        using SystemMachine machine = Machine(Bytes(code), 0, Extensions);
        machine.Faults(13, 0);
    }

    [Theory]
    [InlineData(0ul, 0ul, false)]
    [InlineData(0ul, VirtualInterrupt, false)]
    [InlineData(Privileged, 0ul, false)]
    [InlineData(Privileged, Interrupt, false)]
    [InlineData(Privileged, 0ul, true)]
    [InlineData(0ul, 0ul, true)]
    public void Extensions_SoftwareInterruptsAreRedirected_Sdm3_20_3_3(ulong iopl, ulong flag, bool mapSet)
    {
        using SystemMachine machine = Machine(Bytes("CD21"), iopl | flag, Extensions);
        byte map = machine.Read<byte>(Tss + IoMap - 32 + 0x21 / 8);
        machine.Write(Tss + IoMap - 32 + 0x21 / 8, (byte)(mapSet ? map | 2 : map & ~2));
        machine.Write(0x21 * 4, 0x0D00_0010u);
        machine.Write(Data + 0x10, (byte)0xCC);
        Seen seen = machine.See();
        if (mapSet)
        {
            Assert.Equal(iopl == 0 ? (13, 0u) : (0x21, (uint?)null), (seen.Vector, seen.ErrorCode));
            return;
        }
        Assert.Equal((3, 0x11ul, (ushort)0xD00, 0xBFFAul), (seen.Vector, seen.Rip, seen.Cs, seen.Rsp));
        Assert.Equal(Virtual | 2 | iopl, seen.Flags);
        bool showsIf = flag != 0;
        Assert.Equal((0x3002 | (showsIf ? 0x200 : 0), (ushort)0, (ushort)(Origin + 2)), (machine.Read<ushort>(0xBFFE), machine.Read<ushort>(0xBFFC), machine.Read<ushort>(0xBFFA)));
    }

    [Fact]
    public void Extensions_RedirectionBeyondTheTssIsNone_Sdm3_20_3_3()
    {
        using SystemMachine machine = Machine(Bytes("CD21"), 0, Extensions);
        machine.System = machine.System with { Tr = machine.System.Tr with { Limit = IoMap - 32 + 3 } };
        machine.Write(Tss + IoMap - 32, new byte[32]);
        machine.Faults(13, 0);
    }

    [Fact]
    public void ProtectedVirtualInterrupts_MoveVifAtLevel3Only_Sdm3_20_4()
    {
        using SystemMachine machine = new(Start.User32, c => { c.sti(); c.int3(); });
        machine.System = machine.System with { Cr4 = ProtectedInterrupts };
        Assert.Equal((3, VirtualInterrupt | 2), (machine.See().Vector, machine.Frame(3).Flags));
        using SystemMachine inner = new(Start.User32 with { Cpl = 1 }, c => c.cli());
        inner.System = inner.System with { Cr4 = ProtectedInterrupts };
        inner.Faults(13, 0);
    }

    [Fact]
    public void ProtectedVirtualInterrupts_StiWithAPendingOneFaults_Sdm3_20_4()
    {
        using SystemMachine machine = new(Start.User32, c => c.sti());
        machine.System = machine.System with { Cr4 = ProtectedInterrupts };
        machine.Regs.Rflags |= VirtualInterruptPending;
        machine.Faults(13, 0);
    }

    [Fact]
    public void PagingProtectsAsAtLevel3_Sdm3_20_2_4()
    {
        using SystemMachine machine = new(Start.Virtual8086 with { Paging = Paging.TwoLevels }, c => c.mov(ax, __word_ptr[(int)Data]));
        machine.Pages.Change(Data, 0, PageTables.User);
        Seen seen = machine.Faults(14, 5);
        Assert.Equal((Data, Virtual | 0x10002), (machine.System.Cr2, seen.Flags));
    }
}
