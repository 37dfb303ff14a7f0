using FastVcpu.Gdb;
using FastVcpu.Linux;

namespace FastVcpu.Cli.Debugging;

/// <summary>Runs a Linux program under gdb: the program itself with its threads; processes that it starts run free.</summary>
sealed class ProgramDebugger : ILinuxDebugger, IDisposable
{
    GdbServer? server;

    /// <summary>Waits for gdb before the program runs.</summary>
    public void Open(LinuxProcess process, GdbPlace place) => Open(process, place.Open);

    /// <summary>Makes the program's server, which is then to be opened.</summary>
    public void Open(LinuxProcess process, Action<GdbServer> open)
    {
        server = new GdbServer(new GdbOptions
        {
            Is64Bit = process.Is64Bit,
            Kill = process.Kill,
            Linux = new LinuxTarget { ProcessId = process.Id, AuxiliaryVector = () => process.AuxiliaryVector, ExecutablePath = () => process.ExecutablePath },
        });
        open(server);
    }

    public VcpuExit Run(Vcpu cpu) => server!.Run(cpu);

    public int FilterSignal(Vcpu cpu, int signal) => server!.FilterSignal(cpu, signal);

    public void Forked(Vcpu cpu) => server!.EraseBreakpoints(cpu);

    public void Retired(Vcpu cpu) => server!.Remove(cpu);

    public void Ending() => server!.ReleaseAll();

    public void Ended(LinuxExit exit)
    {
        if (exit.Signal != 0)
        {
            server!.Killed(exit.Signal);
        }
        else
        {
            server!.Exited(exit.Code);
        }
    }

    public void Dispose() => server?.Dispose();
}
