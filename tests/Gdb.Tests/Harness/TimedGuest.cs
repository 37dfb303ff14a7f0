using System.Net;
using Iced.Intel;

namespace FastVcpu.Gdb.Tests;

/// <summary>
/// A real-mode machine that runs on a thread of its own under a server, with a timer that raises vector 20h every few instructions while
/// its clock is not paused.
/// </summary>
sealed class TimedGuest : IDisposable
{
    public const int TimerVector = 0x20;
    const int Period = 7;

    readonly Thread thread;
    volatile bool isEnding;

    public TimedGuest(Action<Assembler> code, bool hasTimer = true)
    {
        Machine = new RealMachine(code);
        HasTimer = hasTimer;
        Server = new GdbServer(new GdbOptions
        {
            Machine = Machine.Vm,
            Is64Bit = false,
            Kill = () => isEnding = true,
        });
        Server.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        thread = new Thread(Main) { IsBackground = true };
    }

    public RealMachine Machine { get; }

    public GdbServer Server { get; }

    public bool HasTimer { get; }

    public Clock Clock => Machine.Vm.Clock;

    public int Port => ((IPEndPoint)Server.EndPoint!).Port;

    /// <summary>The exits that came to the embedder.</summary>
    public List<ExitReason> Exits { get; } = [];

    public void Start() => thread.Start();

    public void Dispose()
    {
        isEnding = true;
        Server.Dispose();
        if (thread.IsAlive)
        {
            Machine.Cpu.RequestExit();
            thread.Join();
        }
        Machine.Dispose();
    }

    void Main()
    {
        while (!isEnding)
        {
            VcpuExit exit = Server.Run(Machine.Cpu, Period);
            if (HasTimer && !Clock.IsPaused)
            {
                Machine.Cpu.Interrupt(TimerVector);
            }
            if (exit.Reason is ExitReason.Hlt or ExitReason.Shutdown)
            {
                Exits.Add(exit.Reason);
                Server.Remove(Machine.Cpu);
                Server.Exited(7);
                return;
            }
        }
    }
}
