namespace FastVcpu.Bench.Debugging;

/// <summary>Debugging that is set and never does anything.</summary>
/// <param name="Name">A short name.</param>
/// <param name="Apply">Sets it on a vCPU that has none.</param>
sealed record DebugSetting(string Name, Action<Vcpu> Apply)
{
    const ulong NeverExecuted = 0x3800000, NeverTouched = 0x3900000;
    const int TimerVector = 0x20;

    public static DebugSetting Off { get; } = new("off", _ => { });

    /// <summary>Interrupts blocked, and one waits.</summary>
    public static DebugSetting BlockInterrupts { get; } = new("BLOCKIRQ", cpu =>
    {
        cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.BlockInterrupts);
        cpu.Interrupt(TimerVector);
    });

    public static DebugSetting Breakpoint { get; } = new("breakpoint", cpu => cpu.SetGuestDebug(
        GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, DebugRegisters.Reset.With(0, NeverExecuted, BreakpointType.Execute)));

    public static DebugSetting Watchpoint { get; } = new("watchpoint", cpu => cpu.SetGuestDebug(
        GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, DebugRegisters.Reset.With(0, NeverTouched, BreakpointType.Write, 8)));
}
