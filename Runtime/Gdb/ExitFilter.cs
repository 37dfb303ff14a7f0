namespace FastVcpu.Gdb;

/// <summary>Tells the exits that the debugger wants from those that are the embedder's.</summary>
static class ExitFilter
{
    /// <summary>True: the embedder gets the exit. False: the vCPU runs on, perhaps after a stop.</summary>
    public static bool IsForEmbedder(World world, DebuggedCpu cpu, VcpuExit exit)
    {
        switch (exit.Reason)
        {
            case ExitReason.Debug when exit.Debug.Exception == 3:
                StopAtInt3(world, cpu, exit.Debug.Pc);
                return false;
            case ExitReason.Debug:
                StopAtDebug(world, cpu, exit.Debug);
                return false;
            case ExitReason.Exception when world.EndsGuest(exit):
                return true;
            case ExitReason.Exception:
                world.StopAt(cpu, StopReason.OfException(exit.Vector));
                return cpu.Signal != 0 || !world.IsAttached;
            case ExitReason.Shutdown or ExitReason.InternalError or ExitReason.FailEntry:
                world.StopAt(cpu, new StopReason(StopReason.Abort));
                return true;
            case ExitReason.Hlt when cpu.Resumption == Resumption.Step:
                world.StopAt(cpu, new StopReason(StopReason.Trap));
                return true;
            default:
                return true;
        }
    }

    /// <summary>INT3: a breakpoint of the client's, or the guest's own, which it gets back.</summary>
    static void StopAtInt3(World world, DebuggedCpu cpu, ulong pc)
    {
        if (world.Software.Contains(pc))
        {
            world.StopAt(cpu, new StopReason(StopReason.Trap, "swbreak:;"));
        }
        else
        {
            cpu.Cpu.SetGuestDebug(GuestDebugFlags.InjectBreakpoint);
        }
    }

    static void StopAtDebug(World world, DebuggedCpu cpu, DebugExit debug)
    {
        bool hits = (debug.Dr6 & DebugExit.Breakpoints) != 0;
        bool steps = cpu.Resumption == Resumption.Step && cpu.SteppedOver == null && !cpu.StaysInRange(debug.Pc);
        if (hits)
        {
            world.StopAt(cpu, new StopReason(StopReason.Trap, world.Hardware.Reason(debug.Dr6)));
        }
        else if (steps)
        {
            world.StopAt(cpu, new StopReason(StopReason.Trap));
        }
    }
}
