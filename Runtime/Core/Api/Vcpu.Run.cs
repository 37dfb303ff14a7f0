using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>Deliveries in a row, with nothing retired between, from which on each is charged as an instruction: a guest that only faults ends too.</summary>
    const int FreeDeliveries = 16;

    int deliveries;

    /// <summary>The last exit was port I/O, which completes when the vCPU runs on.</summary>
    bool ioIsPending;

    /// <summary>Port I/O: what the guest writes, or where the embedder puts what it reads, before the next run.</summary>
    public Span<byte> IoData => MemoryMarshal.AsBytes(new Span<ulong>(ref State->ExitData))[..Math.Clamp(state->ExitSize, 0, 8)];

    /// <summary>MMIO: what the guest writes, or where the embedder puts what it reads, before the next run.</summary>
    public Span<byte> MmioData => Mmio.Data;

    /// <summary>Runs the guest until something ends the run (as <c>KVM_RUN</c>).</summary>
    /// <param name="instructions">The most instructions to retire; exact.</param>
    /// <returns>Why it ended. Nothing that a guest does throws.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative.</exception>
    /// <exception cref="ObjectDisposedException">The vCPU has been disposed.</exception>
    public VcpuExit Run(long instructions = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(instructions);
        ObjectDisposedException.ThrowIf(isDisposed, this);
        BeginRun();
        try
        {
            long fuel = instructions;
            VcpuExit exit = Execute(ref fuel);
            return exit with { InstructionsRetired = instructions - fuel };
        }
        finally
        {
            EndRun();
        }
    }

    /// <summary>The dispatcher: finds blocks and lets them run, and looks at what happened whenever the chain of handlers is left.</summary>
    VcpuExit Execute(ref long fuel)
    {
        CpuState* s = state;
        if (Mmio.IsPending)
        {
            Mmio.Complete();
        }
        s->ExitDataReady = ioIsPending ? 1 : 0;
        ioIsPending = false;
        while (true)
        {
            if (s->Pending != 0)
            {
                if (ServicePending())
                {
                    return new VcpuExit { Reason = ExitReason.Interrupted };
                }
            }
            if (fuel == 0)
            {
                return new VcpuExit { Reason = ExitReason.InstructionLimit };
            }
            UpdateMode();
            long before = fuel;
            Op* entry = FindEntry(fuel);
            if (entry != null)
            {
                fuel = Enter(entry, fuel);
            }
            if (fuel != before)
            {
                deliveries = 0;
                if (Mmio.InProgress)
                {
                    Mmio.Forget();
                }
            }
            if (s->Fault != FaultCode.None && HandleFault(ref fuel) is { } exit)
            {
                return exit;
            }
        }
    }

    /// <summary>The block to enter, or null with a fault recorded. Near the end of the limit, and while an access is being replayed, a single instruction.</summary>
    Op* FindEntry(long fuel)
    {
        CpuState* s = state;
        Op* source = s->LinkSource;
        s->LinkSource = null;
        if (Mmio.InProgress)
        {
            return blocks.Find(s->Mode | CpuMode.OneInstruction);
        }
        Op* entry = blocks.Find(s->Mode);
        if (entry == null)
        {
            return null;
        }
        if (source != null)
        {
            blocks.Link(source, entry);
        }
        return entry->Remaining <= fuel ? entry : blocks.Find(s->Mode | CpuMode.OneInstruction);
    }

    /// <summary>Charges the block and runs the chain that begins with it. Without tail calls the chain is cut before the stack gets deep.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    long Enter(Op* entry, long fuel)
    {
        long quantum = Math.Min(fuel, TailCalls.Quantum);
        long kept = fuel - quantum;
        return kept + entry->Handler(state, entry, quantum - entry->Remaining);
    }

    VcpuExit? HandleFault(ref long fuel)
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
                int vector = fault - FaultCode.ExceptionBase;
                if (isUserMode)
                {
                    s->Cr2 = vector == FaultCode.PageFault ? address : s->Cr2;
                    return new VcpuExit { Reason = ExitReason.Exception, Vector = vector, ErrorCode = errorCode, Address = vector == FaultCode.PageFault ? address : 0 };
                }
                return Deliver(vector, ref fuel);
            case FaultCode.Io:
                ioIsPending = true;
                return new VcpuExit { Reason = ExitReason.Io, Port = (ushort)s->ExitPort, Size = s->ExitSize, IsWrite = s->ExitKind == IoExit.Out };
            case FaultCode.Mmio:
                return new VcpuExit { Reason = ExitReason.Mmio, Address = Mmio.Address, Size = Mmio.Length, IsWrite = Mmio.IsWrite };
            case FaultCode.SystemCall:
                return new VcpuExit { Reason = ExitReason.SystemCall };
            case FaultCode.SystemEnter:
                return new VcpuExit { Reason = ExitReason.SystemEnter };
            case FaultCode.SoftwareInterrupt:
                return new VcpuExit { Reason = ExitReason.SoftwareInterrupt, Vector = (int)errorCode };
            case FaultCode.Halt:
                return new VcpuExit { Reason = ExitReason.Hlt };
            case FaultCode.FetchFromMmio:
                return new VcpuExit { Reason = ExitReason.InternalError, Address = address };
            default:
                return new VcpuExit { Reason = ExitReason.Shutdown };
        }
    }

    VcpuExit? Deliver(int vector, ref long fuel)
    {
        if (++deliveries > FreeDeliveries)
        {
            fuel--;
        }
        return RealMode.Deliver(state, vector, state->Rip) ? null : new VcpuExit { Reason = ExitReason.Shutdown };
    }

    /// <summary>The embedder moves the instruction pointer: an unfinished access is dropped.</summary>
    internal void SetRip(ulong value)
    {
        if (value != State->Rip)
        {
            ioIsPending = false;
            Mmio.Forget();
        }
        state->Rip = value;
    }
}
