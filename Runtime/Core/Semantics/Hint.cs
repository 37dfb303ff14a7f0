namespace FastVcpu.Semantics;

/// <summary>Instructions without an effect on the guest's own state.</summary>
static class Hint
{
    public static void Nop()
    {
    }

    /// <summary>LFENCE, MFENCE, SFENCE: orders this vCPU's accesses for others that share its memory.</summary>
    public static void Fence() => Interlocked.MemoryBarrier();

    /// <summary>Cache-line instructions: the line is accessed, nothing else.</summary>
    public static void Touch(byte line) => _ = line;
}
