namespace FastVcpu;

/// <summary>A copy of the general registers, RIP and RFLAGS (<c>struct kvm_regs</c>).</summary>
public readonly record struct GeneralRegisters
{
    /// <summary>Accumulator.</summary>
    public ulong Rax { get; init; }

    /// <summary>Base.</summary>
    public ulong Rbx { get; init; }

    /// <summary>Counter.</summary>
    public ulong Rcx { get; init; }

    /// <summary>Data.</summary>
    public ulong Rdx { get; init; }

    /// <summary>Source index.</summary>
    public ulong Rsi { get; init; }

    /// <summary>Destination index.</summary>
    public ulong Rdi { get; init; }

    /// <summary>Stack pointer.</summary>
    public ulong Rsp { get; init; }

    /// <summary>Frame pointer.</summary>
    public ulong Rbp { get; init; }

    /// <summary>General register 8.</summary>
    public ulong R8 { get; init; }

    /// <summary>General register 9.</summary>
    public ulong R9 { get; init; }

    /// <summary>General register 10.</summary>
    public ulong R10 { get; init; }

    /// <summary>General register 11.</summary>
    public ulong R11 { get; init; }

    /// <summary>General register 12.</summary>
    public ulong R12 { get; init; }

    /// <summary>General register 13.</summary>
    public ulong R13 { get; init; }

    /// <summary>General register 14.</summary>
    public ulong R14 { get; init; }

    /// <summary>General register 15.</summary>
    public ulong R15 { get; init; }

    /// <summary>Instruction pointer.</summary>
    public ulong Rip { get; init; }

    /// <summary>Flags.</summary>
    public ulong Rflags { get; init; }
}
