namespace FastVcpu.Faults;

/// <summary>Kinds of port access that leave for the embedder: the values of <see cref="State.CpuState.ExitKind"/> with <see cref="FaultCode.Io"/>.</summary>
static class PortExit
{
    public const int Input = 0;
    public const int Output = 1;
    /// <summary>Bit: an element of INS or OUTS.</summary>
    public const int String = 2;
}
