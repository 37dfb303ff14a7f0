namespace FastVcpu.Execution;

/// <summary>Directions of a port access that waits for the embedder: the values of <see cref="State.CpuState.ExitKind"/>.</summary>
static class IoExit
{
    public const int In = 0, Out = 1;
}
