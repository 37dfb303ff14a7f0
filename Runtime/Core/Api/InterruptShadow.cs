namespace FastVcpu;

/// <summary>Instructions after which events wait until one more has retired (<c>KVM_X86_SHADOW_INT_*</c>).</summary>
[Flags]
public enum InterruptShadow
{
    /// <summary>Nothing is held back.</summary>
    None = 0,
    /// <summary>MOV SS or POP SS: interrupts, NMIs and debug exceptions wait.</summary>
    MovSs = 1,
    /// <summary>STI: interrupts and NMIs wait.</summary>
    Sti = 2,
}
