namespace FastVcpu;

/// <summary>Why <see cref="Vcpu.Run"/> returned. Values below 256 are those of KVM's <c>KVM_EXIT_*</c>.</summary>
public enum ExitReason
{
    /// <summary>Port input or output (KVM_EXIT_IO). The data is in <see cref="Vcpu.IoData"/>; the access completes at the next run.</summary>
    Io = 2,
    /// <summary>VMCALL or VMMCALL, on request (KVM_EXIT_HYPERCALL): number in RAX. What <see cref="Vcpu.HypercallResult"/> holds at the next run goes to RAX.</summary>
    Hypercall = 3,
    /// <summary>A debugger's step or breakpoint (KVM_EXIT_DEBUG): <see cref="VcpuExit.Debug"/>.</summary>
    Debug = 4,
    /// <summary>HLT without a local APIC in the core to wait for (KVM_EXIT_HLT). RIP is behind it.</summary>
    Hlt = 5,
    /// <summary>An access to a physical address without memory (KVM_EXIT_MMIO). The data is in <see cref="Vcpu.MmioData"/>; it completes at the next run.</summary>
    Mmio = 6,
    /// <summary>An interrupt could be injected now, as <see cref="Vcpu.RequestInterruptWindow"/> asked (KVM_EXIT_IRQ_WINDOW_OPEN).</summary>
    InterruptWindowOpen = 7,
    /// <summary>Triple fault (KVM_EXIT_SHUTDOWN). The registers are as they were at the third fault.</summary>
    Shutdown = 8,
    /// <summary>The state that the embedder set is one that no processor can be in (KVM_EXIT_FAIL_ENTRY).</summary>
    FailEntry = 9,
    /// <summary><see cref="Vcpu.RequestExit"/> or <see cref="Vcpu.ImmediateExit"/> asked for it (KVM_EXIT_INTR).</summary>
    Interrupted = 10,
    /// <summary>The guest has lowered CR8 (KVM_EXIT_SET_TPR).</summary>
    SetTpr = 11,
    /// <summary>The vCPU cannot go on: it would fetch from an address without memory (KVM_EXIT_INTERNAL_ERROR).</summary>
    InternalError = 17,
    /// <summary>A device asks for power-off or reset (KVM_EXIT_SYSTEM_EVENT): <see cref="VcpuExit.SystemEvent"/>.</summary>
    SystemEvent = 24,
    /// <summary>The guest has ended a level-triggered interrupt of the embedder's I/O APIC (KVM_EXIT_IOAPIC_EOI): <see cref="VcpuExit.Vector"/>.</summary>
    IoApicEndOfInterrupt = 26,
    /// <summary>RDMSR of a register that the embedder answers (KVM_EXIT_X86_RDMSR). The next run completes it with <see cref="Vcpu.MsrData"/>.</summary>
    ReadMsr = 29,
    /// <summary>WRMSR of a register that the embedder answers (KVM_EXIT_X86_WRMSR). The next run completes it.</summary>
    WriteMsr = 30,
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
    /// <summary>
    /// CR0.NE is 0 and the x87 instruction at RIP waits because of an earlier error (<see cref="Vcpu.NumericError"/>) for an interrupt – IRQ 13 on a PC – or for
    /// <see cref="Vcpu.IgnoreNumericError"/>. A run without either ends in the same way.
    /// </summary>
    NumericError,
    /// <summary>The instruction at RIP has a hook (<see cref="Vcpu.AddHook"/>); it has not run.</summary>
    Hook,
}
