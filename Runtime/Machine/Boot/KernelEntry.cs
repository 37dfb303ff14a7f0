namespace FastVcpu.Machine.Boot;

/// <summary>Where a Linux kernel is entered.</summary>
public enum KernelEntry
{
    /// <summary>The widest entry that the kernel and the CPU model have.</summary>
    Widest,
    /// <summary>In real mode, where it calls the BIOS.</summary>
    Bits16,
    /// <summary>In 32-bit protected mode.</summary>
    Bits32,
    /// <summary>In long mode.</summary>
    Bits64,
}
