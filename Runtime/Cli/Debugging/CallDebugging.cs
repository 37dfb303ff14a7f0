using FastVcpu.Gdb;

namespace FastVcpu.Cli.Debugging;

/// <summary>Runs a called function under gdb.</summary>
static class CallDebugging
{
    /// <summary>Runs until the function returns, faults, or reaches the limit; without a place simply that.</summary>
    /// <param name="place">Where gdb is waited for, or null.</param>
    /// <param name="cpu">The CPU, ready to run.</param>
    /// <param name="machine">Its machine; null in user mode.</param>
    /// <param name="bits">Width of its code.</param>
    /// <param name="limit">Instructions that may retire.</param>
    /// <param name="isReturn">Tells the exit with which the function has returned.</param>
    public static VcpuExit Run(GdbPlace? place, Vcpu cpu, VirtualMachine? machine, int bits, long limit, Func<VcpuExit, bool> isReturn)
    {
        if (place == null)
        {
            return cpu.Run(limit);
        }
        bool isKilled = false;
        using GdbServer server = new(new GdbOptions
        {
            Machine = machine,
            Is64Bit = bits == 64,
            EndsGuest = isReturn,
            Kill = () =>
            {
                Volatile.Write(ref isKilled, true);
                cpu.RequestExit();
            },
        });
        place.Open(server);
        VcpuExit exit;
        long retired = 0;
        do
        {
            exit = server.Run(cpu, limit - retired);
            retired += exit.InstructionsRetired;
        }
        while (exit.Reason == ExitReason.Interrupted && !Volatile.Read(ref isKilled));
        server.Remove(cpu);
        server.Exited(0);
        return exit with { InstructionsRetired = retired };
    }
}
