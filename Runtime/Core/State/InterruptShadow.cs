namespace FastVcpu.State;

/// <summary>Values of <see cref="CpuState.Shadow"/>: what holds events back until the next instruction has retired. The numbers are KVM's.</summary>
static class InterruptShadow
{
    public const int None = 0;
    /// <summary>MOV SS or POP SS: holds interrupts, NMIs and debug exceptions.</summary>
    public const int MovSs = 1;
    /// <summary>STI that has set IF: holds interrupts and NMIs.</summary>
    public const int Sti = 2;
}
