namespace FastVcpu.Faults;

/// <summary>Why an instruction did not complete: the values of <see cref="State.CpuState.Fault"/>.</summary>
/// <remarks>Values 1–32 are exceptions, vector + 1; the others leave the run loop for the embedder.</remarks>
static class FaultCode
{
    public const int None = 0;
    /// <summary>Added to a vector.</summary>
    public const int ExceptionBase = 1;
    public const int LastException = 32;
    /// <summary>Port I/O or memory-mapped I/O for the embedder; the instruction is restarted or completed by the next run.</summary>
    public const int Io = 64, Mmio = 65;
    /// <summary>SYSCALL, SYSENTER, or INT n in user mode.</summary>
    public const int SystemCall = 66, SystemEnter = 67, SoftwareInterrupt = 68;
    public const int Halt = 69, Shutdown = 70;
    /// <summary>An instruction fetch from an address without memory.</summary>
    public const int FetchFromMmio = 71;
    /// <summary>INT3 that the debugger takes; RIP is at it.</summary>
    public const int SoftwareBreakpoint = 72;
    /// <summary>The next instruction has a code breakpoint.</summary>
    public const int CodeBreakpoint = 73;
    /// <summary>The instruction starts again by itself: an access touched a watched page, or it looks at a time that is counted in instructions.</summary>
    public const int Restart = 74;
    /// <summary>RDMSR, WRMSR or VMCALL that the embedder answers; completed by the next run.</summary>
    public const int ModelSpecificRegister = 75, Hypercall = 76;
    /// <summary>CR8 has been lowered.</summary>
    public const int SetTpr = 77;
    /// <summary>The next instruction has a hook of the embedder's.</summary>
    public const int Hook = 78;

    public const int DivideError = 0, Debug = 1, NonMaskableInterrupt = 2, Breakpoint = 3, Overflow = 4, BoundRange = 5, InvalidOpcode = 6, DeviceNotAvailable = 7, DoubleFault = 8;
    public const int InvalidTss = 10, SegmentNotPresent = 11, StackFault = 12, GeneralProtection = 13, PageFault = 14, FloatingPoint = 16, AlignmentCheck = 17, SimdFloatingPoint = 19;
}
