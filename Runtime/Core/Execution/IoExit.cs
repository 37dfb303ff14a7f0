namespace FastVcpu.Execution;

/// <summary>Kinds of port access that wait for the embedder: the values of <see cref="State.CpuState.ExitKind"/>.</summary>
static class IoExit
{
    public const int In = 0, Out = 1, InString = 2, OutString = 3;

    /// <summary>The most that one exit of INS or OUTS carries.</summary>
    public const int MaxStringBytes = 4096;

    public static bool IsWrite(int kind) => (kind & 1) != 0;

    public static bool IsString(int kind) => (kind & 2) != 0;
}
