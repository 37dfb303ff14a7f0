using FastVcpu.Gdb;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Debugging;

/// <summary>Runs a machine under gdb.</summary>
static class MachineDebugging
{
    /// <summary>Listens at a place.</summary>
    public static BootResult Run(BootMachine machine, string place, long limit)
    {
        using GdbServer server = Create(machine);
        GdbPlace.Listen(server, place);
        return Run(machine, server, limit);
    }

    /// <summary>Speaks on standard input and output.</summary>
    public static BootResult RunOnStreams(BootMachine machine, long limit)
    {
        using GdbServer server = Create(machine);
        server.Serve(Console.OpenStandardInput(), Console.OpenStandardOutput());
        return Run(machine, server, limit);
    }

    static GdbServer Create(BootMachine machine) => new(new GdbOptions { Machine = machine.Vm, Is64Bit = machine.Cpu.Model.Has(CpuFeature.Lm), Kill = machine.Stop });

    static BootResult Run(BootMachine machine, GdbServer server, long limit)
    {
        BootResult result = machine.Run(limit, server.Run);
        server.Remove(machine.Cpu);
        server.Exited(result.End == BootEnd.DebugExit ? result.Status : 0);
        return result;
    }
}
