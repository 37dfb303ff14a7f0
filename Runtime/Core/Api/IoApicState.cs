namespace FastVcpu;

/// <summary>The state of the I/O APIC (<c>struct kvm_ioapic_state</c>).</summary>
public record struct IoApicState
{
    /// <summary>Number of inputs.</summary>
    public const int Inputs = 24;

    /// <summary>The register that the window shows.</summary>
    public byte SelectedRegister { get; set; }

    /// <summary>Its number on the APIC bus, 0 to 15.</summary>
    public byte Id { get; set; }

    /// <summary>Levels of the inputs, one bit each.</summary>
    public uint Lines { get; set; }

    /// <summary>The redirection table, an entry for each input.</summary>
    public ulong[] Redirections { get; set; }
}
