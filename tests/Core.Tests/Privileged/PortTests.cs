using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Who may use ports (SDM Vol. 1 19.5), and string I/O that faults on the way.</summary>
public sealed class PortTests
{
    static SystemMachine Machine(string code, ushort port, ulong iopl = 0, Start? start = null)
    {
        SystemMachine machine = new(start ?? Start.User32, Convert.FromHexString(code));
        machine.Regs.Rflags |= iopl << 12;
        machine.Regs.Rdx = port;
        return machine;
    }

    static void Allow(SystemMachine machine, int first, int count)
    {
        for (int port = first; port < first + count; port++)
        {
            ulong at = Tss + IoMap + (ulong)port / 8;
            machine.Write(at, (byte)(machine.Read<byte>(at) & ~(1 << (port & 7))));
        }
    }

    [Theory]
    [InlineData(0, 3, true)]
    [InlineData(1, 1, true)]
    [InlineData(2, 1, false)]
    [InlineData(3, 3, true)]
    [InlineData(3, 2, false)]
    public void IoplAtLeastCpl_Sdm1_19_5_1(int cpl, ulong iopl, bool allowed)
    {
        using SystemMachine machine = Machine("EE", 0x80, iopl, Start.Protected32 with { Cpl = cpl });
        Check(machine, allowed);
    }

    [Theory]
    [InlineData("EC", 0x60, 1)]
    [InlineData("66ED", 0x67, 2)]
    [InlineData("ED", 0x65, 4)]
    [InlineData("ED", 0x7F8, 4)]
    public void EveryBitOfTheAccessHasToBeClear_Sdm1_19_5_2(string code, int port, int size)
    {
        for (int missing = -1; missing < size; missing++)
        {
            using SystemMachine machine = Machine(code, (ushort)port);
            Allow(machine, port, size);
            if (missing >= 0)
            {
                ulong at = Tss + IoMap + (ulong)(port + missing) / 8;
                machine.Write(at, (byte)(machine.Read<byte>(at) | 1 << (port + missing & 7)));
            }
            Check(machine, missing < 0);
        }
    }

    [Theory]
    [InlineData(IoMap + 12u, false)]
    [InlineData(IoMap + 13u, true)]
    public void TwoBytesAreReadAlways_Sdm1_19_5_2(uint limit, bool allowed)
    {
        using SystemMachine machine = Machine("EC", 0x60);
        Allow(machine, 0x60, 1);
        machine.System = machine.System with { Tr = machine.System.Tr with { Limit = limit } };
        Check(machine, allowed);
    }

    [Fact]
    public void ATaskSegmentOf16BitsHasNoMap_Sdm3_7_6()
    {
        using SystemMachine machine = Machine("EC", 0x60);
        Allow(machine, 0x60, 1);
        machine.System = machine.System with { Tr = machine.System.Tr with { Attributes = 0x83 } };
        machine.Write(Tss + 2, (ushort)0x9F00);
        machine.Write(Tss + 4, Data32);
        Check(machine, false);
    }

    [Fact]
    public void Long_UsesTheSameMap_Sdm3_7_7()
    {
        using SystemMachine machine = Machine("EC", 0x60, start: Start.User64);
        Check(machine, false);
        machine.Begin();
        machine.Regs.Rdx = 0x60;
        Allow(machine, 0x60, 1);
        Check(machine, true);
    }

    [Fact]
    public void APageFaultInTheMapIsThePortAccesss_Sdm1_19_5_2()
    {
        using SystemMachine machine = Machine("EC", 0x7FFF, start: Start.User32 with { Paging = Paging.TwoLevels });
        machine.Pages.Change(Tss + 0x1000, 0, PageTables.Present);
        machine.Faults(14, 0);
        Assert.Equal(Tss + IoMap + 0xFFF, machine.System.Cr2);
    }

    [Fact]
    public void InsFaultsBeforeThePortIsRead_Sdm2_Ins()
    {
        using SystemMachine machine = new(Start.Paged32, c => { c.cld(); c.rep.insb(); });
        machine.Pages.Change(Data + 0x1000, 0, PageTables.Present);
        (machine.Regs.Rcx, machine.Regs.Rdi, machine.Regs.Rdx) = (6, Data + 0xFFC, 0x60);
        int read = 0;
        while (machine.Run().Reason == ExitReason.Io)
        {
            for (int i = 0; i < machine.Exit.Count; i++)
            {
                machine.Cpu.IoData[i] = (byte)(0xA0 + read++);
            }
        }
        Assert.Equal((ExitReason.Hlt, Handler(14) + 1, 4), (machine.Exit.Reason, machine.Regs.Rip, read));
        Seen seen = machine.Frame(14);
        Assert.Equal((2u, Origin + 1, 2ul, Data + 0x1000, 0xA3A2A1A0u), (seen.ErrorCode, seen.Rip, machine.Regs.Rcx, machine.Regs.Rdi, machine.Read<uint>(Data + 0xFFC)));
        Assert.Equal(Data + 0x1000, machine.System.Cr2);
        // The handler maps the page and returns: the instruction goes on.
        machine.Pages.Change(Data + 0x1000, PageTables.Present);
        machine.Assemble(Handler(14), c => { c.add(esp, 4); c.iretd(); });
        machine.Regs.Rip = Handler(14);
        while (machine.Run().Reason == ExitReason.Io)
        {
            machine.Cpu.IoData.Fill((byte)(0xA0 + read++));
        }
        Assert.True(machine.IsDone);
        Assert.Equal((0ul, Data + 0x1002), (machine.Regs.Rcx, machine.Regs.Rdi));
    }

    [Fact]
    public void OutsFaultsInTheMiddle_Sdm2_Outs()
    {
        using SystemMachine machine = new(Start.Paged32, c => c.rep.outsd());
        machine.Pages.Change(Data + 0x1000, 0, PageTables.Present);
        (machine.Regs.Rcx, machine.Regs.Rsi, machine.Regs.Rdx) = (4, Data + 0xFF6, 0x60);
        int written = 0;
        while (machine.Run().Reason == ExitReason.Io)
        {
            written += machine.Exit.Count;
        }
        Assert.Equal((Handler(14) + 1, 2, 2ul, Data + 0xFFE), (machine.Regs.Rip, written, machine.Regs.Rcx, machine.Regs.Rsi));
        Assert.Equal((0u, Data + 0x1000), (machine.Frame(14).ErrorCode, machine.System.Cr2));
    }

    static void Check(SystemMachine machine, bool allowed)
    {
        if (allowed)
        {
            Assert.Equal(ExitReason.Io, machine.Run().Reason);
        }
        else
        {
            machine.Faults(13, 0);
        }
    }
}
