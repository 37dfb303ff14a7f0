using FastVcpu.Events;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Delivery;
using FastVcpu.Privileged.SystemManagement;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>Deliveries in a row, with nothing retired between, from which on each is charged as an instruction: a guest that only faults ends too.</summary>
    const int FreeDeliveries = 16;

    int deliveries;

    /// <summary>What the running instruction has recorded: delivers it to the guest, serves it from a device, or ends the run (true).</summary>
    bool HandleFault(ref long fuel)
    {
        CpuState* s = state;
        int fault = s->Fault;
        uint errorCode = s->FaultErrorCode;
        ulong address = s->FaultAddress;
        s->Fault = FaultCode.None;
        s->FaultErrorCode = 0;
        s->LinkSource = null;
        switch (fault)
        {
            case <= FaultCode.LastException:
                return HandleException(fault - FaultCode.ExceptionBase, errorCode, address, ref fuel);
            case FaultCode.Io:
                return HandlePortAccess();
            case FaultCode.Mmio:
                return HandleMmio();
            case FaultCode.Restart:
                return RunSingle(ref fuel);
            case FaultCode.CodeBreakpoint:
                return CodeBreakpointsHere() is var hits and not 0 && BreakBefore(hits, ref fuel);
            case FaultCode.Hook:
                return EndWithHook(CodeFetch.Linear(s, s->Rip));
            case FaultCode.SoftwareBreakpoint:
                return EndWithDebug(0, FaultCode.Breakpoint);
            case FaultCode.SystemCall:
                exit = new VcpuExit { Reason = ExitReason.SystemCall };
                return true;
            case FaultCode.SystemEnter:
                exit = new VcpuExit { Reason = ExitReason.SystemEnter };
                return true;
            case FaultCode.SoftwareInterrupt:
                exit = new VcpuExit { Reason = ExitReason.SoftwareInterrupt, Vector = (int)errorCode };
                return true;
            case FaultCode.Halt when Apic != null:
                Halt(forMasked: errorCode != 0);
                return false;
            case FaultCode.Halt:
                exit = new VcpuExit { Reason = ExitReason.Hlt };
                return true;
            case FaultCode.ModelSpecificRegister or FaultCode.Hypercall:
                accessIsPending = true;
                exit = requestExit;
                return true;
            case FaultCode.SetTpr:
                exit = new VcpuExit { Reason = ExitReason.SetTpr };
                return true;
            case FaultCode.FetchFromMmio:
                exit = new VcpuExit { Reason = ExitReason.InternalError, Address = address };
                return true;
            default:
                exit = new VcpuExit { Reason = ExitReason.Shutdown };
                return true;
        }
    }

    bool HandleException(int vector, uint errorCode, ulong address, ref long fuel)
    {
        if (vector == FaultCode.FloatingPoint && UsesErrorPin)
        {
            exit = new VcpuExit { Reason = ExitReason.NumericError };
            return true;
        }
        if (vector == FaultCode.PageFault)
        {
            ApplyPayload(vector, address);
        }
        else if (vector == FaultCode.Debug && state->PendingDebug != 0)
        {
            uint cause = state->PendingDebug;
            state->PendingDebug = 0;
            if (Debugging.UsesHardwareBreakpoints)
            {
                return EndWithDebug(cause);
            }
            ApplyPayload(vector, cause);
        }
        fuel -= ChargeDelivery();
        return DeliverException(vector, errorCode) == Delivery.Exit;
    }

    long ChargeDelivery()
    {
        // In user mode an exception ends the run.
        if (isUserMode || ++deliveries <= FreeDeliveries)
        {
            return 0;
        }
        counted?.Advance(1);
        return 1;
    }

    /// <summary>Ends the run for a reason that says all.</summary>
    internal Delivery EndRun(ExitReason reason)
    {
        exit = new VcpuExit { Reason = reason };
        return Delivery.Exit;
    }

    /// <summary>Writes the registers that belong to an exception: CR2, or the bits of DR6, of which the breakpoints are replaced and the others stick.</summary>
    internal void ApplyPayload(int vector, ulong payload)
    {
        if (vector == FaultCode.PageFault)
        {
            state->Cr2 = payload;
        }
        else if (vector == FaultCode.Debug)
        {
            state->Dr6 = state->Dr6 & ~(ulong)Dr6.Breakpoints | payload;
        }
    }

    /// <summary>Delivers an exception to the guest's handler; in user mode it ends the run.</summary>
    internal Delivery DeliverException(int vector, uint errorCode)
    {
        if (isUserMode)
        {
            exit = new VcpuExit { Reason = ExitReason.Exception, Vector = vector, ErrorCode = errorCode, Address = vector == FaultCode.PageFault ? state->Cr2 : 0 };
            return Delivery.Exit;
        }
        state->Shadow = InterruptShadow.None;
        state->EventDelivered = 1;
        if (vector == FaultCode.Debug)
        {
            state->Dr7 &= ~(ulong)Dr7.GeneralDetect;
        }
        return EventDelivery.DeliverException(state, vector, errorCode) ? Delivery.Done : EndRun(ExitReason.Shutdown);
    }

    /// <summary>Where an injected #BP or #OF returns to: behind the INT3 or INTO at RIP, if one is there.</summary>
    internal ulong BehindTrapInstruction(int vector)
    {
        const int MaxLength = 15;
        const byte Int3 = 0xCC, Into = 0xCE;
        ReadOnlySpan<byte> prefixes = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF2, 0xF3];
        for (int length = 0; length < MaxLength; length++)
        {
            byte value = 0;
            if (!TryReadLinear(CodeFetch.Linear(state, state->Rip + (ulong)length), new Span<byte>(ref value)))
            {
                break;
            }
            if (value == (vector == FaultCode.Breakpoint ? Int3 : Into))
            {
                return InstructionPointer.Truncate(state, state->Rip + (ulong)length + 1);
            }
            bool isRex = (state->Mode & Decode.CpuMode.CodeSizeMask) == Decode.CpuMode.Code64 && (value & 0xF0) == 0x40;
            if (!isRex && !prefixes.Contains(value))
            {
                break;
            }
        }
        return state->Rip;
    }

    /// <summary>Delivers an interrupt or NMI to the guest's handler.</summary>
    internal Delivery DeliverInterrupt(int vector, bool isSoft)
    {
        state->EventDelivered = 1;
        return EventDelivery.DeliverInterrupt(state, vector) ? Delivery.Done : EndRun(ExitReason.Shutdown);
    }

    /// <summary>Enters system-management mode.</summary>
    internal Delivery EnterSystemManagement()
    {
        SystemManagementMode.Enter(this);
        return Delivery.Done;
    }
}
