using System.Net;

namespace FastVcpu.Gdb.Tests;

/// <summary>Two vCPUs of one machine are two threads.</summary>
public sealed class SeveralCpusTests : IDisposable
{
    const ushort SecondCode = 0x1800;

    readonly RealMachine machine;
    readonly Vcpu second;
    readonly GdbServer server;
    readonly List<Thread> threads = [];
    volatile bool isEnding;

    /// <summary>Both count: the first one EAX, the second one EBX.</summary>
    public SeveralCpusTests()
    {
        machine = new RealMachine(a => { a.inc(eax); a.jmp(RealMachine.Code); });
        machine.Vm.TryWritePhysical(SecondCode, Guest.Assemble(16, a => { a.inc(ebx); a.nop(); a.jmp(SecondCode); }, SecondCode));
        second = machine.Vm.CreateVcpu(CpuModel.Max);
        foreach (int segment in Enumerable.Range(0, 6))
        {
            second.Segments.SetReal(segment, 0);
        }
        second.Regs.Rip = SecondCode;
        server = new GdbServer(new GdbOptions { Machine = machine.Vm, Is64Bit = false });
        server.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        foreach (Vcpu cpu in new[] { machine.Cpu, second })
        {
            Thread thread = new(() => Main(cpu)) { IsBackground = true };
            threads.Add(thread);
            thread.Start();
            // So that the first one is thread 1, and both are there for the client.
            Background.Until(() => server.ThreadCount == threads.Count);
        }
    }

    public void Dispose()
    {
        isEnding = true;
        server.Dispose();
        while (threads.Exists(thread => !thread.Join(1)))
        {
            machine.Cpu.RequestExit();
            second.RequestExit();
        }
        machine.Dispose();
    }

    [Fact]
    public void BothAreListedAndHaveRegistersOfTheirOwn()
    {
        using Client client = Connect();
        Assert.Equal("m1,2", client.Ask("qfThreadInfo"));
        Assert.Equal("OK", client.Ask("Hg2"));
        Assert.Equal("00180000", client.Ask("p8"));
        Assert.Equal("OK", client.Ask("Hg1"));
        Assert.Equal("00100000", client.Ask("p8"));
    }

    [Fact]
    public void AStepOfOneLeavesTheOtherWhereItIs()
    {
        using Client client = Connect();
        Assert.Contains("thread:2;", client.Ask("vCont;s:2"));
        Assert.Equal("01000000", Register(client, 2, 3));
        Assert.Equal("00000000", Register(client, 1, 0));
    }

    [Fact]
    public void ABreakpointOfOneStopsBoth()
    {
        using Client client = Connect();
        client.Ask($"Z0,{SecondCode + 2:x},1");
        for (int round = 1; round <= 20; round++)
        {
            string stop = client.Ask("vCont;c");
            Assert.Contains("thread:2;", stop);
            Assert.Equal($"{round:x2}000000", Register(client, 2, 3));
        }
        string first = Register(client, 1, 0);
        Thread.Sleep(5);
        Assert.Equal(first, Register(client, 1, 0));
    }

    [Fact]
    public void AWatchpointHoldsForBoth()
    {
        using Client client = Connect();
        machine.Vm.TryWritePhysical(SecondCode, Guest.Assemble(16, a => { a.inc(__dword_ptr[RealMachine.Data]); a.jmp(SecondCode); }, SecondCode));
        client.Ask($"Z2,{RealMachine.Data:x},4");
        string stop = client.Ask("vCont;c");
        Assert.Contains("thread:2;", stop);
        Assert.Contains($"watch:{RealMachine.Data:x};", stop);
    }

    [Fact]
    public void TheInterruptByteStopsBoth()
    {
        using Client client = Connect();
        client.Send("vCont;c");
        Background.Until(() => machine.Regs.Rax != 0 && second.Regs.Rbx != 0);
        client.SendRaw([3]);
        Assert.StartsWith("T02", client.Receive());
        string first = Register(client, 1, 0), other = Register(client, 2, 3);
        Thread.Sleep(5);
        Assert.Equal((first, other), (Register(client, 1, 0), Register(client, 2, 3)));
    }

    [GdbFact]
    public void ARealGdbSwitchesBetweenThem()
    {
        string output = RealGdb.Run(((IPEndPoint)server.EndPoint!).Port, "info threads", "thread 2", "stepi", "print $ebx", "set scheduler-locking on", "thread 1", "stepi", "stepi", "print $eax");
        Assert.Contains("CPU#0", output);
        Assert.Contains("CPU#1", output);
        Assert.Contains("$1 = 1", output);
        Assert.Matches(@"\$2 = [1-9]", output);
    }

    Client Connect()
    {
        Client client = new(((IPEndPoint)server.EndPoint!).Port);
        client.Ask("QStartNoAckMode");
        return client;
    }

    static string Register(Client client, int thread, int number)
    {
        client.Ask($"Hg{thread}");
        return client.Ask($"p{number:x}");
    }

    void Main(Vcpu cpu)
    {
        while (!isEnding)
        {
            server.Run(cpu);
        }
    }
}
