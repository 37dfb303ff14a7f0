using FastVcpu.Cli.Debugging;
using FastVcpu.Linux;

namespace FastVcpu.Fuzz.Files;

/// <summary>A client of the gdb server that sends damaged packets to a Linux program with two threads, or one that ends, while it runs.</summary>
sealed class HostileDebugger : HostileFile
{
    readonly GuestRoot root = new();

    public HostileDebugger()
    {
        root.Put("program", SmallGuests.Program);
        root.Put("threads", SmallGuests.Threads);
    }

    public override string Take(Random random)
    {
        using MemoryStream input = HostilePackets.Stream(random), output = new();
        using ProgramDebugger debugger = new();
        using LinuxProcess process = new(random.Next(3) == 0 ? "/program" : "/threads", root.Options with { Debugger = debugger });
        LinuxExit exit = default;
        Exception? failure = null;
        Thread guest = new(() =>
        {
            try
            {
                exit = process.Run();
            }
            catch (Exception error)
            {
                failure = error;
            }
        })
        { IsBackground = true };
        debugger.Open(process, server =>
        {
            guest.Start();
            server.ServeClient(input, output);
        });
        process.Kill();
        guest.Join();
        return failure == null ? exit.Signal == 0 ? "ended" : "killed" : throw new InvalidDataException("The program has failed.", failure);
    }

    public override void Dispose() => root.Dispose();
}
