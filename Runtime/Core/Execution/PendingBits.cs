namespace FastVcpu.Execution;

/// <summary>The bits of <see cref="State.CpuState.Pending"/>: why the chain of blocks is left at the next block end.</summary>
static class PendingBits
{
    /// <summary>Somebody asked for the run to end.</summary>
    public const int Exit = 1;
    /// <summary>Cached translations of reads, writes and branch targets are to be forgotten.</summary>
    public const int FlushTranslations = 2;
    /// <summary>Writes have to be noticed, as pages have got code or changes are recorded: cached translations of writes are to be guarded.</summary>
    public const int FlushWriteTlb = 4;
    /// <summary>Another CPU has written to decoded code.</summary>
    public const int CodeChanged = 8;
    /// <summary>An event has arrived and may be deliverable.</summary>
    public const int Event = 16;
}
