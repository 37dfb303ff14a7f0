namespace FastVcpu;

/// <summary>Where a global system interrupt leads to (<c>KVM_IRQ_ROUTING_*</c>).</summary>
public enum GsiTarget
{
    /// <summary>An input of the 8259A pair, 0 to 15.</summary>
    Pic,
    /// <summary>An input of the I/O APIC, 0 to 23.</summary>
    IoApic,
    /// <summary>A message-signalled interrupt, sent whenever the line is set high.</summary>
    Msi,
}

/// <summary>One way that a global system interrupt takes (<c>struct kvm_irq_routing_entry</c>); it may have several.</summary>
public readonly record struct GsiRoute
{
    /// <summary>Number of the interrupt: that of <see cref="VirtualMachine.SetIrqLine"/>.</summary>
    public required int Gsi { get; init; }

    /// <summary>Where it leads to.</summary>
    public required GsiTarget Target { get; init; }

    /// <summary>Number of the input.</summary>
    public int Pin { get; init; }

    /// <summary>Address of the message.</summary>
    public ulong Address { get; init; }

    /// <summary>Data of the message.</summary>
    public uint Data { get; init; }
}
