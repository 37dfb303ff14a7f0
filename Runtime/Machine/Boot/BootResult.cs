namespace FastVcpu.Machine.Boot;

/// <summary>How a machine came to its end.</summary>
public enum BootEnd
{
    /// <summary>Through the debug-exit port.</summary>
    DebugExit,
    /// <summary>Switched off by the guest.</summary>
    PoweredOff,
    /// <summary>The guest asked for a reset.</summary>
    Reset,
    /// <summary>HLT with interrupts off: nothing can wake the processor any more.</summary>
    Halted,
    /// <summary>Triple fault.</summary>
    Shutdown,
    /// <summary>The processor cannot go on.</summary>
    Failed,
    /// <summary>All instructions of the limit have retired.</summary>
    Limit,
    /// <summary>The embedder asked for it.</summary>
    Stopped,
}

/// <summary>The end of a machine's run.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Status">Status of <see cref="BootEnd.DebugExit"/>.</param>
/// <param name="Exit">The last exit of the processor.</param>
/// <param name="Instructions">Instructions retired.</param>
public readonly record struct BootResult(BootEnd End, int Status, VcpuExit Exit, long Instructions);
