using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>Which signal an exception of the CPU becomes (arch/x86/kernel/traps.c).</summary>
static class FaultSignal
{
    const int DivideError = 0, Debug = 1, Breakpoint = 3, Overflow = 4, Bound = 5, InvalidOpcode = 6, SegmentNotPresent = 11, StackFault = 12;
    const int GeneralProtection = 13, PageFault = 14, FloatingPoint = 16, AlignmentCheck = 17, SimdFloatingPoint = 19;

    /// <summary>The signal of an exit that is no system call.</summary>
    public static SignalInfo Of(VcpuExit exit, Vcpu cpu, GuestMemory memory)
    {
        ulong rip = cpu.Regs.Rip;
        SignalInfo info = exit.Reason switch
        {
            ExitReason.Exception => OfException(exit, cpu, memory),
            // SYSENTER, and SYSCALL of 32-bit code, need a vDSO to come back from.
            ExitReason.SystemCall or ExitReason.SystemEnter => new SignalInfo(Signal.SIGILL, SignalInfo.IllegalOperand) { Address = rip },
            // INT n, IN, OUT, HLT: general protection.
            _ => Kernel(Signal.SIGSEGV) with { TrapVector = GeneralProtection },
        };
        return info.TrapVector != 0 ? info : info with { TrapVector = exit.Vector, TrapErrorCode = exit.ErrorCode };
    }

    static SignalInfo OfException(VcpuExit exit, Vcpu cpu, GuestMemory memory)
    {
        ulong rip = cpu.Regs.Rip;
        return exit.Vector switch
        {
            DivideError => new SignalInfo(Signal.SIGFPE, SignalInfo.DivideByZero) { Address = rip },
            Debug => new SignalInfo(Signal.SIGTRAP, SignalInfo.TraceTrap) { Address = rip },
            Breakpoint => Kernel(Signal.SIGTRAP),
            Overflow or Bound or GeneralProtection => Kernel(Signal.SIGSEGV),
            InvalidOpcode => new SignalInfo(Signal.SIGILL, SignalInfo.IllegalOperand) { Address = rip },
            SegmentNotPresent or StackFault => Kernel(Signal.SIGBUS),
            PageFault => OfPageFault(exit, memory),
            FloatingPoint => FloatingPointSignal(cpu.Fpu.StatusWord, ~cpu.Fpu.ControlWord, rip),
            SimdFloatingPoint => FloatingPointSignal((int)cpu.Fpu.Mxcsr, ~(int)(cpu.Fpu.Mxcsr >> 7), rip),
            AlignmentCheck => new SignalInfo(Signal.SIGBUS, SignalInfo.AlignmentError) { Address = rip },
            _ => Kernel(Signal.SIGSEGV),
        };
    }

    static SignalInfo OfPageFault(VcpuExit exit, GuestMemory memory)
    {
        ulong address = memory.Abi.Address(exit.Address);
        bool isMapped = memory.Space.IsMapped(address, 1);
        return new SignalInfo(Signal.SIGSEGV, isMapped ? SignalInfo.SegmentAccess : SignalInfo.SegmentNotMapped) { Address = address };
    }

    static SignalInfo Kernel(int signal) => new(signal, SignalInfo.Kernel);

    /// <summary>The first exception that is raised and not masked (fpu__exception_code).</summary>
    static SignalInfo FloatingPointSignal(int status, int unmasked, ulong rip)
    {
        int raised = status & unmasked;
        int code = (raised & 1) != 0 ? 7 : (raised & 4) != 0 ? 3 : (raised & 8) != 0 ? 4 : (raised & 0x12) != 0 ? 5 : (raised & 0x20) != 0 ? 6 : 0;
        return new SignalInfo(Signal.SIGFPE, code) { Address = rip };
    }
}
