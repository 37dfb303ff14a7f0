namespace FastVcpu;

/// <summary>What waits to be delivered to a vCPU, or is being delivered (<c>struct kvm_vcpu_events</c>).</summary>
public readonly record struct VcpuEvents
{
    /// <summary>An exception.</summary>
    public ExceptionEvent Exception { get; init; }

    /// <summary>A maskable interrupt.</summary>
    public InterruptEvent Interrupt { get; init; }

    /// <summary>Non-maskable interrupts.</summary>
    public NmiEvent Nmi { get; init; }

    /// <summary>System-management interrupts and mode.</summary>
    public SmiEvent Smi { get; init; }

    /// <summary>The next run ends with <see cref="ExitReason.Shutdown"/>.</summary>
    public bool IsTripleFaultPending { get; init; }
}

/// <summary>An exception that waits, or whose delivery has begun.</summary>
public readonly record struct ExceptionEvent
{
    /// <summary>It waits; registers that belong to it (DR6, CR2) have not been written yet.</summary>
    public bool IsPending { get; init; }

    /// <summary>Its delivery has begun, and is completed before anything else.</summary>
    public bool IsInjected { get; init; }

    /// <summary>0 to 31, not 2.</summary>
    public int Vector { get; init; }

    /// <summary>An error code is pushed.</summary>
    public bool HasErrorCode { get; init; }

    /// <summary>The error code.</summary>
    public uint ErrorCode { get; init; }

    /// <summary>A pending exception: <see cref="Payload"/> counts.</summary>
    public bool HasPayload { get; init; }

    /// <summary>The bits that go to DR6 (#DB) or the address that goes to CR2 (#PF) when it is delivered.</summary>
    public ulong Payload { get; init; }
}

/// <summary>A maskable interrupt.</summary>
public readonly record struct InterruptEvent
{
    /// <summary>Queued by <see cref="Vcpu.Interrupt"/> and not begun.</summary>
    public bool IsPending { get; init; }

    /// <summary>Its delivery has begun, and is completed whatever IF says.</summary>
    public bool IsInjected { get; init; }

    /// <summary>Vector of either.</summary>
    public byte Vector { get; init; }

    /// <summary>An injected one comes from INT n.</summary>
    public bool IsSoft { get; init; }

    /// <summary>What holds events back for one instruction.</summary>
    public InterruptShadow Shadow { get; init; }
}

/// <summary>Non-maskable interrupts.</summary>
public readonly record struct NmiEvent
{
    /// <summary>The delivery of one has begun.</summary>
    public bool IsInjected { get; init; }

    /// <summary>How many wait: 0 to 2.</summary>
    public int Pending { get; init; }

    /// <summary>One is in service: further ones wait for IRET.</summary>
    public bool IsMasked { get; init; }
}

/// <summary>System-management interrupts and mode.</summary>
public readonly record struct SmiEvent
{
    /// <summary>The vCPU is in system-management mode.</summary>
    public bool IsInSmm { get; init; }

    /// <summary>One waits.</summary>
    public bool IsPending { get; init; }

    /// <summary>NMIs were masked when system-management mode was entered.</summary>
    public bool IsInsideNmi { get; init; }

    /// <summary>INIT has arrived in system-management mode and waits for RSM.</summary>
    public bool IsInitLatched { get; init; }
}
