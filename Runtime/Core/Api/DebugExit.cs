namespace FastVcpu;

/// <summary>What a debugger is told with <see cref="ExitReason.Debug"/> (<c>struct kvm_debug_exit_arch</c>).</summary>
/// <param name="Exception">1: a step or a hardware breakpoint. 3: INT3.</param>
/// <param name="Pc">Linear address of the instruction at which the guest stands.</param>
/// <param name="Dr6">What happened, as DR6 would show it: bits 0–3 the breakpoints, <see cref="SingleStep"/>, <see cref="RegisterAccess"/>.</param>
/// <param name="Dr7">The breakpoint control in force.</param>
public readonly record struct DebugExit(int Exception, ulong Pc, ulong Dr6, ulong Dr7)
{
    /// <summary>BS: a step has been done.</summary>
    public const ulong SingleStep = 1 << 14;

    /// <summary>BD: the next instruction accesses a debug register while DR7.GD is set.</summary>
    public const ulong RegisterAccess = 1 << 13;

    /// <summary>B0–B3.</summary>
    public const ulong Breakpoints = 0xF;
}
