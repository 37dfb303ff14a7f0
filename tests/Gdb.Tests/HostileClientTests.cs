using System.Net;
using System.Text;
using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb.Tests;

/// <summary>Whatever a client sends, the server answers the next one.</summary>
public sealed class HostileClientTests
{
    static TimedGuest Loop()
    {
        TimedGuest guest = new(a => { a.inc(eax); a.jmp(RealMachine.Code); }, hasTimer: false);
        guest.Start();
        return guest;
    }

    static void IsAlive(TimedGuest guest)
    {
        using Client client = new(guest.Port);
        Assert.StartsWith("PacketSize", client.Ask("qSupported"));
    }

    [Fact]
    public void RandomPackets()
    {
        using TimedGuest guest = Loop();
        Random random = new(1);
        const string Letters = "?gGpPmMxXzZcCsSHTDqQvk!Rr0123456789abcdef:;,=.-pContRcmdXferSupported";
        for (int connection = 0; connection < 10; connection++)
        {
            using Client client = new(guest.Port);
            byte[] all = [.. Enumerable.Range(0, 300).SelectMany(_ =>
            {
                byte[] packet = new byte[random.Next(1, 40)];
                for (int i = 0; i < packet.Length; i++)
                {
                    packet[i] = random.Next(10) == 0 ? (byte)random.Next(256) : (byte)Letters[random.Next(Letters.Length)];
                }
                return Client.Frame(packet).Append((byte)3);
            })];
            TrySend(client, all);
        }
        IsAlive(guest);
    }

    [Fact]
    public void RandomBytes()
    {
        using TimedGuest guest = Loop();
        Random random = new(2);
        for (int connection = 0; connection < 10; connection++)
        {
            using Client client = new(guest.Port);
            byte[] bytes = new byte[10_000];
            random.NextBytes(bytes);
            TrySend(client, bytes);
        }
        IsAlive(guest);
    }

    [Fact]
    public void EveryCommandWithEveryKindOfArgument()
    {
        using TimedGuest guest = Loop();
        using Client client = new(guest.Port);
        string[] arguments = ["", "0", "ffffffffffffffff", "fffffffffffffffff", "-1", "1,2", "0,ffffffffffffffff", "ffffffffffffffff,4", "1,2:", "1,2:zz", "1,2:ffff", ":", ";", ",,,", "=", "0=", "p1.1", "p1", "\u00ff\u0000"];
        string[] commands = ["g", "G", "p", "P", "m", "M", "x", "X", "Z0,", "Z1,", "Z2,", "Z3,", "Z4,", "Z9,", "z0,", "z2,", "H", "Hg", "Hc", "T", "vCont;x", "vCont;r", "vCont;C", "qXfer:features:read:target.xml:",
            "qXfer:", "qRcmd,", "qThreadExtraInfo,", "Qqemu.sstep=", "Qqemu.PhyMemMode:", "qSupported:", "C", "qSymbol:", "v", "q", "Q", "b", "!", "i", "t"];
        foreach (string command in commands)
        {
            foreach (string argument in arguments)
            {
                string packet = command + argument;
                bool continues = command is "C" or "vCont;C" ? Hex.TryNumber(argument, out _) : command == "vCont;r" && argument == "0,ffffffffffffffff";
                if (!continues)
                {
                    string reply = client.Ask(packet);
                    while (command == "qRcmd," && reply is ['O', not 'K', ..])
                    {
                        reply = client.Receive();
                    }
                }
            }
        }
        Assert.StartsWith("T", client.Ask("s"));
    }

    [Fact]
    public void APacketThatIsTooLongIsRefused()
    {
        using TimedGuest guest = Loop();
        using Client client = new(guest.Port);
        client.SendRaw(TooLong());
        client.SendRaw("#00"u8);
        Assert.StartsWith("PacketSize", client.Ask("qSupported"));
    }

    [Fact]
    public void APacketThatIsTooLongTakesNoMemory()
    {
        using MemoryStream input = new([.. TooLong(), .. "#00$?#3f"u8]), output = new();
        PacketStream stream = new(input, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("?", Encoding.ASCII.GetString(stream.Receive(out _)!));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    static byte[] TooLong()
    {
        byte[] huge = new byte[50 << 20];
        Array.Fill(huge, (byte)'a');
        huge[0] = (byte)'$';
        return huge;
    }

    [Fact]
    public void BrokenChecksumsAreAskedForAgain()
    {
        using MemoryStream input = new(Encoding.ASCII.GetBytes("$g#00$?#3f")), output = new();
        PacketStream stream = new(input, output);
        Assert.Equal("?", Encoding.ASCII.GetString(stream.Receive(out _)!));
        Assert.Equal("-+", Encoding.ASCII.GetString(output.ToArray()));
        Assert.Null(stream.Receive(out _));
    }

    [Fact]
    public void EscapesGoBothWays()
    {
        using MemoryStream output = new();
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        new PacketStream(Stream.Null, output).Send(all);
        using MemoryStream input = new(output.ToArray());
        Assert.Equal(all, new PacketStream(input, Stream.Null).Receive(out _));
    }

    [Theory]
    [InlineData("1234", true)]
    [InlineData(":1234", true)]
    [InlineData("127.0.0.1:1234", true)]
    [InlineData("[::1]:1234", true)]
    [InlineData("0.0.0.0:1234", false)]
    [InlineData("192.168.1.1:1234", false)]
    public void OnlyLoopbackIsListenedOn(string text, bool isAllowed)
    {
        using GdbServer server = new(new GdbOptions());
        EndPoint endPoint = GdbServer.Parse(text);
        if (!isAllowed)
        {
            Assert.Throws<ArgumentException>(() => server.Listen(endPoint));
        }
        else
        {
            Assert.True(IPAddress.IsLoopback(((IPEndPoint)endPoint).Address));
        }
    }

    [Theory]
    [InlineData("host")]
    [InlineData("70000")]
    [InlineData("a:b")]
    public void WhatIsNoPlaceIsRefused(string text) => Assert.Throws<FormatException>(() => GdbServer.Parse(text));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AClientMayGoOnOrGoWhileAStopIsBeingMade(bool goes)
    {
        using RealMachine other = new(a => a.nop());
        World world = new(new GdbOptions { Machine = other.Vm, WaitsForClient = false });
        DebuggedCpu first = world.Find(other.Cpu)!, last = world.Find(other.Vm.CreateVcpu(CpuModel.Max))!;
        world.Attach();
        world.Resume();
        world.Enter(last);
        int told = 0;
        world.Stopped = (_, _) => told++;
        Exception? failure = null;
        Thread stopping = new(() => failure = Record.Exception(() => world.StopAt(first, new StopReason(StopReason.Trap)))) { IsBackground = true };
        stopping.Start();
        Background.Until(() => world.IsStopped);
        Thread client = new(goes ? world.Detach : world.Resume) { IsBackground = true };
        client.Start();
        // Going waits for the last one to leave; going on tells of the stop at once.
        Assert.Equal(!goes, client.Join(goes ? TimeSpan.FromMilliseconds(100) : Background.Patience));
        world.Leave(last, hasStepped: false);
        client.Join();
        if (!goes)
        {
            Assert.False(stopping.Join(100));
            world.Resume();
        }
        Assert.True(stopping.Join(Background.Patience));
        Assert.Null(failure);
        Assert.InRange(told, goes ? 0 : 1, 1);
    }

    static void TrySend(Client client, byte[] bytes)
    {
        try
        {
            client.SendRaw(bytes);
        }
        catch (IOException)
        {
            // The server has ended the connection, as it may after k or D.
        }
    }
}
