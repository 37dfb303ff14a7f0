using FastVcpu.Gdb;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Debugging;

/// <summary>Runs a machine under gdb.</summary>
static class MachineDebugging
{
    public static BootResult Run(BootMachine machine, GdbPlace place, long limit)
    {
        using GdbServer server = new(new GdbOptions { Machine = machine.Vm, Is64Bit = machine.Cpu.Model.Has(CpuFeature.Lm), Kill = machine.Stop });
        place.Open(server);
        BootResult result = machine.Run(limit, server.Run);
        server.Remove(machine.Cpu);
        server.Exited(result.End == BootEnd.DebugExit ? result.Status : 0);
        return result;
    }
}
