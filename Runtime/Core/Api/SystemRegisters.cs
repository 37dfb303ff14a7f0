namespace FastVcpu;

/// <summary>GDTR or IDTR (<c>struct kvm_dtable</c>).</summary>
/// <param name="Base">Linear address.</param>
/// <param name="Limit">Bytes minus one.</param>
public readonly record struct TableRegister(ulong Base, ushort Limit);

/// <summary>A copy of the segment and control registers (<c>struct kvm_sregs</c>).</summary>
public readonly record struct SystemRegisters
{
    /// <summary>Code segment.</summary>
    public SegmentRegister Cs { get; init; }

    /// <summary>Data segment.</summary>
    public SegmentRegister Ds { get; init; }

    /// <summary>Extra segment.</summary>
    public SegmentRegister Es { get; init; }

    /// <summary>FS.</summary>
    public SegmentRegister Fs { get; init; }

    /// <summary>GS.</summary>
    public SegmentRegister Gs { get; init; }

    /// <summary>Stack segment.</summary>
    public SegmentRegister Ss { get; init; }

    /// <summary>Task register.</summary>
    public SegmentRegister Tr { get; init; }

    /// <summary>Local descriptor table.</summary>
    public SegmentRegister Ldt { get; init; }

    /// <summary>Global descriptor table.</summary>
    public TableRegister Gdt { get; init; }

    /// <summary>Interrupt descriptor table.</summary>
    public TableRegister Idt { get; init; }

    /// <summary>Control register 0.</summary>
    public ulong Cr0 { get; init; }

    /// <summary>Address of the last page fault.</summary>
    public ulong Cr2 { get; init; }

    /// <summary>Page table base.</summary>
    public ulong Cr3 { get; init; }

    /// <summary>Control register 4.</summary>
    public ulong Cr4 { get; init; }

    /// <summary>Task priority.</summary>
    public ulong Cr8 { get; init; }

    /// <summary>Extended feature enable register.</summary>
    public ulong Efer { get; init; }

    /// <summary>IA32_APIC_BASE.</summary>
    public ulong ApicBase { get; init; }
}
