namespace FastVcpu;

/// <summary>Accesses to model-specific registers that are the embedder's to answer (<c>KVM_MSR_EXIT_REASON_*</c>).</summary>
[Flags]
public enum MsrExitReasons
{
    /// <summary>None: what the core does not know is #GP.</summary>
    None = 0,
    /// <summary>Values that a register does not take.</summary>
    Invalid = 1,
    /// <summary>Registers that the core does not have.</summary>
    Unknown = 2,
    /// <summary>The registers of <see cref="Vcpu.MsrFilter"/>.</summary>
    Filter = 4,
}
