namespace FastVcpu.Gdb;

/// <summary>What happens during a step: the bits of QEMU's <c>qemu.sstep</c>.</summary>
[Flags]
public enum StepFlags
{
    /// <summary>Nothing special.</summary>
    None = 0,
    /// <summary>Single-stepping is on.</summary>
    Enable = 1,
    /// <summary>Interrupts, NMIs and SMIs wait (BLOCKIRQ).</summary>
    NoInterrupts = 2,
    /// <summary>The machine's clock stands still.</summary>
    NoTimer = 4,
    /// <summary>All of it, QEMU's default.</summary>
    Default = Enable | NoInterrupts | NoTimer,
}
