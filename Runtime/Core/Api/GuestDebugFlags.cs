namespace FastVcpu;

/// <summary>What <see cref="Vcpu.SetGuestDebug(GuestDebugFlags)"/> asks for (<c>KVM_GUESTDBG_*</c>).</summary>
[Flags]
public enum GuestDebugFlags
{
    /// <summary>No debugging.</summary>
    None = 0,
    /// <summary>Without it all others but the injections are dropped.</summary>
    Enable = 1 << 0,
    /// <summary>Each run ends with <see cref="ExitReason.Debug"/> after one instruction. The guest does not see it: no TF is set for it.</summary>
    SingleStep = 1 << 1,
    /// <summary>INT3 (opcode CC) ends the run with <see cref="ExitReason.Debug"/>, RIP at it.</summary>
    UseSoftwareBreakpoints = 1 << 16,
    /// <summary>The debug registers of the request are in force instead of the guest's; their hits end the run.</summary>
    UseHardwareBreakpoints = 1 << 17,
    /// <summary>A #DB is delivered to the guest at the next run.</summary>
    InjectDebug = 1 << 18,
    /// <summary>A #BP is delivered to the guest at the next run.</summary>
    InjectBreakpoint = 1 << 19,
    /// <summary>Interrupts, NMIs and SMIs wait until the flag is cleared; exceptions do not.</summary>
    BlockInterrupts = 1 << 20,
}
