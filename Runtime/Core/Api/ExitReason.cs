namespace FastVcpu;

/// <summary>Why <see cref="Vcpu.Run"/> returned. Values below 256 are those of KVM's <c>KVM_EXIT_*</c>.</summary>
public enum ExitReason
{
    /// <summary>Port input or output (KVM_EXIT_IO). The data is in <see cref="Vcpu.IoData"/>; the access completes at the next run.</summary>
    Io = 2,
    /// <summary>HLT with nobody in the core to wait (KVM_EXIT_HLT). RIP is behind it.</summary>
    Hlt = 5,
    /// <summary>An access to a physical address without memory (KVM_EXIT_MMIO). The data is in <see cref="Vcpu.MmioData"/>; it completes at the next run.</summary>
    Mmio = 6,
    /// <summary>Triple fault (KVM_EXIT_SHUTDOWN).</summary>
    Shutdown = 8,
    /// <summary>Another thread asked for it by <see cref="Vcpu.RequestExit"/> (KVM_EXIT_INTR).</summary>
    Interrupted = 10,
    /// <summary>The vCPU cannot go on: it would fetch from an address without memory (KVM_EXIT_INTERNAL_ERROR).</summary>
    InternalError = 17,
    /// <summary>All instructions of the limit have retired.</summary>
    InstructionLimit = 256,
    /// <summary>User mode: an exception that an operating system would handle.</summary>
    Exception,
    /// <summary>User mode: SYSCALL. RIP is behind it, RCX and R11 are set.</summary>
    SystemCall,
    /// <summary>User mode: SYSENTER. RIP is behind it.</summary>
    SystemEnter,
    /// <summary>User mode: INT n. RIP is behind it; the vector is n.</summary>
    SoftwareInterrupt,
}
