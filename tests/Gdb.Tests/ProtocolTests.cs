using System.Buffers.Binary;
using System.Xml.Linq;

namespace FastVcpu.Gdb.Tests;

/// <summary>Commands of the protocol, one by one, against a machine in real mode.</summary>
public sealed class ProtocolTests
{
    const int ProgramCounter = 8;

    /// <summary>Counts in EAX and stores it.</summary>
    static TimedGuest Counter() => new(a => { a.inc(eax); a.mov(__dword_ptr[bx], eax); a.nop(); a.jmp(RealMachine.Code); }, hasTimer: false);

    static string Pc(uint value) => Convert.ToHexStringLower(BitConverter.GetBytes(value));

    static Client Connect(TimedGuest guest)
    {
        guest.Machine.Regs.Rbx = RealMachine.Data;
        guest.Start();
        return new Client(guest.Port);
    }

    [Fact]
    public void TheServerTellsWhatItCan()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        string answer = client.Ask("qSupported:multiprocess+;swbreak+;hwbreak+");
        Assert.Contains("PacketSize=4000", answer);
        Assert.Contains("qXfer:features:read+", answer);
        Assert.Contains("vContSupported+", answer);
        Assert.StartsWith("T05", client.Ask("?"));
        Assert.Equal("1", client.Ask("qAttached"));
        Assert.Equal("vCont;c;C;s;S;r", client.Ask("vCont?"));
        Assert.Equal("", client.Ask("vMustReplyEmpty"));
        Assert.Equal("OK", client.Ask("QStartNoAckMode"));
        Assert.Equal("QC1", client.Ask("qC"));
    }

    [Fact]
    public void TheTargetDescriptionIsWellFormedAndOrdersTheRegisters()
    {
        foreach ((bool is64, int count) in new[] { (false, 8), (true, 16) })
        {
            string text = Registers.TargetDescription.Of(new Registers.RegisterSet(is64, isUserMode: false, isLinux: false)).Replace("<!DOCTYPE target SYSTEM \"gdb-target.dtd\">", "");
            XElement target = XDocument.Parse(text).Root!;
            string[] names = [.. target.Descendants("reg").Select(reg => reg.Attribute("name")!.Value)];
            Assert.Equal(names.Length, names.Distinct().Count());
            Assert.Equal(is64 ? "rip" : "eip", names[is64 ? 16 : 8]);
            Assert.Contains($"xmm{count - 1}", names);
            Assert.Contains($"ymm{count - 1}h", names);
            Assert.Contains("cr0", names);
            Assert.Contains("cs_base", names);
            Assert.Contains("fs_base", names);
            Assert.Equal(is64, names.Contains("efer"));
        }
    }

    [Fact]
    public void TheDescriptionIsReadInPieces()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        string text = "", piece;
        do
        {
            piece = client.Ask($"qXfer:features:read:target.xml:{text.Length:x},100");
            text += piece[1..];
        }
        while (piece[0] == 'm');
        Assert.StartsWith("<?xml", text);
        Assert.EndsWith("</target>\n", text);
        Assert.Equal("E00", client.Ask("qXfer:features:read:other.xml:0,100"));
        Assert.Equal("E01", client.Ask("qXfer:features:read:target.xml:x"));
    }

    [Fact]
    public void RegistersAreReadAndWritten()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Equal("OK", client.Ask("P0=78563412"));
        Assert.Equal("78563412", client.Ask("p0"));
        string all = client.Ask("g");
        Assert.StartsWith("78563412", all);
        Assert.Equal(Pc(RealMachine.Code), all.Substring(ProgramCounter * 8, 8));
        Assert.Equal("OK", client.Ask("G" + "01000000" + all[8..]));
        Assert.Equal("01000000", client.Ask("p0"));
        Assert.Equal("E01", client.Ask("G00"));
        Assert.Equal("E01", client.Ask("pffff"));
        Assert.Equal("E01", client.Ask("P0=00"));
        Assert.Equal("E01", client.Ask("P0"));
    }

    [Fact]
    public void MemoryIsReadAndWrittenAndBreakpointsAreHidden()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Equal("OK", client.Ask("M9100,3:010203"));
        Assert.Equal("010203", client.Ask("m9100,3"));
        Assert.Equal("OK", client.Ask("X9100,2:\u0041\u0042"));
        Assert.Equal("414203", client.Ask("m9100,3"));
        Assert.Equal("bAB", client.Ask("x9100,2"));
        string code = client.Ask("m1000,4");
        Assert.Equal("OK", client.Ask("Z0,1002,1"));
        Assert.Equal(code, client.Ask("m1000,4"));
        Assert.Equal(0xCC, guest.Machine.Read(0x1002, 1)[0]);
        Assert.Equal("OK", client.Ask("M1002,1:90"));
        Assert.Equal("90", client.Ask("m1002,1"));
        Assert.Equal("OK", client.Ask("z0,1002,1"));
        Assert.Equal(0x90, guest.Machine.Read(0x1002, 1)[0]);
        Assert.Equal("E01", client.Ask("m200000,4"));
        Assert.Equal("E01", client.Ask("M200000,1:00"));
        Assert.Equal("E01", client.Ask("Z0,200000,1"));
        Assert.Equal(2 * 16, client.Ask("mffff0,100").Length);
        Assert.Equal("E01", client.Ask("m1000"));
    }

    [Theory]
    [InlineData("s")]
    [InlineData("vCont;s:1")]
    [InlineData("vCont;s")]
    public void AStepIsOneInstruction(string command)
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        string stop = client.Ask(command);
        Assert.StartsWith("T05", stop);
        Assert.Contains($"08:{Pc(RealMachine.Code + 2)};", stop);
    }

    [Fact]
    public void ARangeStepLeavesTheRange()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Contains($"08:{Pc(RealMachine.Code + 6)};", client.Ask("vCont;r1000,1006:1"));
    }

    [Fact]
    public void SoftwareBreakpointsStopAndAreSteppedOver()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        client.Ask("qSupported:swbreak+");
        Assert.Equal("OK", client.Ask("Z0,1002,1"));
        for (int round = 1; round <= 5; round++)
        {
            string stop = client.Ask("c");
            Assert.StartsWith("T05swbreak:;", stop);
            Assert.Contains($"08:{Pc(0x1002)};", stop);
            Assert.Equal($"{round:x2}000000", client.Ask("p0"));
        }
    }

    [Theory]
    [InlineData("Z1,1002,1", "T05hwbreak:;", 0x1002u)]
    [InlineData("Z2,9000,4", "T05watch:9000;", 0x1005u)]
    [InlineData("Z4,9000,4", "T05awatch:9000;", 0x1005u)]
    public void HardwareBreakpointsStop(string set, string reason, uint pc)
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        client.Ask("qSupported:swbreak+;hwbreak+");
        Assert.Equal("OK", client.Ask(set));
        for (int round = 0; round < 3; round++)
        {
            string stop = client.Ask("c");
            Assert.StartsWith(reason, stop);
            Assert.Contains($"08:{Pc(pc)};", stop);
        }
        Assert.Equal("OK", client.Ask("z" + set[1..]));
    }

    [Fact]
    public void ThereAreFourHardwareBreakpoints()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal("OK", client.Ask($"Z1,200{i},1"));
        }
        Assert.Equal("E01", client.Ask("Z1,2005,1"));
        Assert.Equal("OK", client.Ask("z1,2000,1"));
        Assert.Equal("E01", client.Ask("Z2,9001,4"));
        Assert.Equal("E01", client.Ask("Z2,9000,3"));
        Assert.Equal("E01", client.Ask("Z1,800000000000,1"));
        Assert.Equal("", client.Ask("Z5,0,0"));
    }

    [Fact]
    public void TheInterruptByteStopsARunningGuest()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        for (int round = 0; round < 3; round++)
        {
            ulong before = guest.Machine.Regs.Rax;
            client.Send("c");
            Background.Until(() => guest.Machine.Regs.Rax != before);
            client.SendRaw([3]);
            Assert.StartsWith("T02thread:1;", client.Receive());
        }
    }

    [Fact]
    public void ThreadsAreListed()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Equal("m1", client.Ask("qfThreadInfo"));
        Assert.Equal("l", client.Ask("qsThreadInfo"));
        Assert.Equal("OK", client.Ask("Hg1"));
        Assert.Equal("OK", client.Ask("Hc-1"));
        Assert.Equal("OK", client.Ask("T1"));
        Assert.Equal("E01", client.Ask("T2"));
        Assert.Equal("E01", client.Ask("Hg2"));
        Assert.Equal("CPU#0 [stopped]", System.Text.Encoding.ASCII.GetString(Convert.FromHexString(client.Ask("qThreadExtraInfo,1"))));
    }

    [Fact]
    public void PhysicalMemoryMode()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Equal("0", client.Ask("qqemu.PhyMemMode"));
        Assert.Equal("OK", client.Ask("Qqemu.PhyMemMode:1"));
        Assert.Equal("1", client.Ask("qqemu.PhyMemMode"));
        Assert.Equal(client.Ask("m1000,4"), Convert.ToHexStringLower(guest.Machine.Read(0x1000, 4)));
        Assert.Equal("E01", client.Ask("Qqemu.PhyMemMode:2"));
    }

    [Fact]
    public void H1_TheStepFlagsOfQemu()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Equal("ENABLE=1,NOIRQ=2,NOTIMER=4", client.Ask("qqemu.sstepbits"));
        Assert.Equal("0x7", client.Ask("qqemu.sstep"));
        Assert.Equal("OK", client.Ask("Qqemu.sstep=5"));
        Assert.Equal("0x5", client.Ask("qqemu.sstep"));
        Assert.Equal("E01", client.Ask("Qqemu.sstep=8"));
    }

    [Theory]
    [InlineData(7, RealMachine.Code + 1)]
    [InlineData(1, 0x3200)]
    public void H1_NoIrqHoldsTheInterruptDuringAStep(int flags, uint expected)
    {
        using TimedGuest guest = new(a => { a.nop(); a.nop(); a.jmp(RealMachine.Code); });
        guest.Machine.Regs.Rflags |= 0x200;
        guest.Machine.Cpu.Interrupt(TimedGuest.TimerVector);
        using Client client = Connect(guest);
        client.Ask($"Qqemu.sstep={flags}");
        Assert.Contains($"08:{Pc(expected)};", client.Ask("s"));
    }

    [Theory]
    [InlineData("7", true)]
    [InlineData("3", false)]
    public void H1_NoTimerStopsTheClockDuringAStep(string flags, bool stops)
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        client.Ask($"Qqemu.sstep={flags}");
        long before = guest.Clock.Now;
        for (int i = 0; i < 3; i++)
        {
            client.Ask("s");
        }
        Assert.Equal(stops, guest.Clock.Now == before);
    }

    [Fact]
    public void H1_TheClockStandsStillWhileTheGuestIsStopped()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        long before = guest.Clock.Now;
        Thread.Sleep(5);
        Assert.Equal(before, guest.Clock.Now);
        client.Ask("Z0,1000,1");
        client.Ask("c");
        long after = guest.Clock.Now;
        Assert.True(after > before);
        Thread.Sleep(5);
        Assert.Equal(after, guest.Clock.Now);
        client.Ask("D");
        Assert.False(guest.Clock.IsPaused);
    }

    [Fact]
    public void H2_AContinueFromABreakpointExecutesTheInstructionFirst()
    {
        using TimedGuest guest = new(a => { a.inc(eax); a.nop(); a.jmp(RealMachine.Code); });
        guest.Machine.SetHandler(TimedGuest.TimerVector, a => { a.inc(di); a.iret(); });
        guest.Machine.Regs.Rflags |= 0x200;
        using Client client = Connect(guest);
        client.Ask("Z0,1000,1");
        for (int round = 1; round <= 10; round++)
        {
            Assert.Contains($"08:{Pc(0x1000)};", client.Ask("c"));
            Assert.Equal($"{round:x2}000000", client.Ask("p0"));
            guest.Machine.Cpu.Interrupt(TimedGuest.TimerVector);
        }
    }

    [Fact]
    public void H3_AStepFromHltStopsBehindIt()
    {
        using TimedGuest guest = new(a => { a.hlt(); a.nop(); });
        using Client client = Connect(guest);
        Assert.Contains($"08:{Pc(RealMachine.Code + 1)};", client.Ask("s"));
    }

    [Fact]
    public void TheEndOfTheGuestIsReported()
    {
        using TimedGuest guest = new(a => a.hlt());
        using Client client = Connect(guest);
        Assert.Equal("W07", client.Ask("c"));
        Assert.Equal("W07", client.Ask("?"));
        Assert.Equal("E01", client.Ask("g"));
        Assert.Equal("", client.Ask("qSomething"));
    }

    [Fact]
    public void AfterDetachTheGuestRunsOnWithoutBreakpointsAndAnotherClientMayCome()
    {
        using TimedGuest guest = Counter();
        using (Client client = Connect(guest))
        {
            client.Ask("Z0,1002,1");
            client.Ask("Z2,9000,4");
            Assert.Equal("OK", client.Ask("D"));
        }
        Assert.NotEqual(0xCC, guest.Machine.Read(0x1002, 1)[0]);
        using Client second = new(guest.Port);
        Assert.StartsWith("T05", second.Ask("?"));
        string before = second.Ask("p0");
        second.Ask("s");
        second.Ask("s");
        second.Ask("s");
        second.Ask("s");
        Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(Convert.FromHexString(before)) + 1, BinaryPrimitives.ReadUInt32LittleEndian(Convert.FromHexString(second.Ask("p0"))));
    }

    [Fact]
    public void MonitorCommands()
    {
        using TimedGuest guest = Counter();
        using Client client = Connect(guest);
        Assert.Contains("translate", client.Monitor("help"));
        Assert.Contains("CR0", client.Monitor("registers"));
        Assert.Contains("1000 -> 1000", client.Monitor("translate 0x1000"));
        client.Monitor("nmi");
        Assert.Contains("NMIs 1", client.Monitor("events"));
        Assert.Contains("not understood", client.Monitor("frobnicate"));
        Assert.Equal("7\n", client.Monitor("sstep"));
    }

    [Fact]
    public void AnInt3OfTheGuestGoesToTheGuest()
    {
        using TimedGuest guest = new(a => { a.int3(); a.nop(); a.nop(); }, hasTimer: false);
        using Client client = Connect(guest);
        client.Ask("qSupported:swbreak+");
        Assert.Equal("OK", client.Ask("Z0,1002,1"));
        Assert.Contains($"08:{Pc(0x1002)};", client.Ask("c"));
    }
}
