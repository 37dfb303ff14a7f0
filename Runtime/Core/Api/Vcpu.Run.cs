using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Events;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>The clock, if it follows the instructions.</summary>
    readonly InstructionClock? counted;

    /// <summary>How the run ends.</summary>
    VcpuExit exit;

    /// <summary>The time that it sees.</summary>
    public Clock Clock { get; }

    /// <summary>Runs the guest until something ends the run (as <c>KVM_RUN</c>).</summary>
    /// <param name="instructions">The most instructions to retire; exact.</param>
    /// <returns>Why it ended. Nothing that a guest does throws.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative.</exception>
    /// <exception cref="ObjectDisposedException">The vCPU has been disposed.</exception>
    public VcpuExit Run(long instructions = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(instructions);
        ObjectDisposedException.ThrowIf(isDisposed, this);
        // The embedder may have moved the instruction pointer.
        state->LinkSource = null;
        ref Vcpu? here = ref runningHere;
        Vcpu? outer = here;
        here = this;
        isRunning = true;
        Thread.MemoryBarrier();
        try
        {
            long fuel = instructions;
            Execute(ref fuel);
            return exit with { InstructionsRetired = instructions - fuel };
        }
        finally
        {
            isRunning = false;
            here = outer;
        }
    }

    /// <summary>The dispatcher: finds blocks and lets them run, and looks at what happened whenever the chain of handlers is left.</summary>
    void Execute(ref long fuel)
    {
        CpuState* s = state;
        if (hasNewState && !CheckEntry())
        {
            return;
        }
        BeginCompletion();
        while (true)
        {
            if (s->Pending != 0)
            {
                ServicePending();
            }
            if (fuel != 0 && IsCompleting)
            {
                if (RunSingle(ref fuel))
                {
                    return;
                }
                continue;
            }
            if (IsExitRequested)
            {
                EndByRequest();
                return;
            }
            if (ImmediateExit)
            {
                exit = new VcpuExit { Reason = ExitReason.Interrupted };
                return;
            }
            if (owesStep && TakeOwedStep())
            {
                return;
            }
            if (counted != null && counted.IsDue)
            {
                counted.FireDue();
                // A timer may have asked for it; later, how far the run gets would depend on which blocks are linked.
                if (IsExitRequested)
                {
                    EndByRequest();
                    return;
                }
            }
            if (fuel == 0)
            {
                exit = new VcpuExit { Reason = ExitReason.InstructionLimit };
                return;
            }
            if (s->PendingDebug != 0)
            {
                // Watchpoints that a delivery has touched; that of the guest's #DB may touch them again and again.
                fuel -= ChargeDelivery();
                if (TakeTraps() is var hits and not 0)
                {
                    EndWithDebug(hits);
                    return;
                }
            }
            if (Apic != null)
            {
                if (TakeEndedVector())
                {
                    return;
                }
                if (!IsRunnable())
                {
                    if (Idle(ref fuel))
                    {
                        return;
                    }
                    continue;
                }
            }
            if (Queue.IsWaiting && Queue.Deliver() is var delivery and not Delivery.None)
            {
                // The stub that was left through leads elsewhere than to the handler.
                s->LinkSource = null;
                if (delivery == Delivery.Exit || (Debugging.IsStepping && EndStep(0)))
                {
                    return;
                }
                continue;
            }
            UpdateMode();
            if ((s->SystemFlags & (SystemFlagBits.Trap | SystemFlagBits.Resume)) != 0 || s->Shadow != InterruptShadow.None || Debugging.IsStepping || passedHook != null)
            {
                if (RunSingle(ref fuel))
                {
                    return;
                }
                continue;
            }
            if (RunSlice(ref fuel))
            {
                return;
            }
        }
    }

    /// <summary>Runs a chain of blocks, up to the next deadline of a clock that counts instructions. True: the run ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    bool RunSlice(ref long fuel)
    {
        long kept = counted == null ? 0 : Math.Max(0, fuel - counted.InstructionsUntilDeadline);
        fuel -= kept;
        bool ends = RunBlocks(ref fuel);
        fuel += kept;
        return ends;
    }

    /// <summary>Runs a chain of blocks. True: the run ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    bool RunBlocks(ref long fuel)
    {
        CpuState* s = state;
        long before = fuel;
        Op* entry = blocks.Find(s->Mode);
        // Only now: to make room, all code may have been dropped, the source with it.
        Op* source = s->LinkSource;
        s->LinkSource = null;
        if (entry != null)
        {
            if (source == entry)
            {
                entry = blocks.Promote(entry);
            }
            else if (source != null)
            {
                blocks.Link(source, entry);
            }
            if (entry->Remaining > fuel)
            {
                return RunSingle(ref fuel);
            }
            fuel = Enter(entry, fuel);
        }
        if (fuel != before)
        {
            deliveries = 0;
            counted?.Advance(before - fuel);
        }
        // With an exception, they belong to it.
        if (s->PendingDebug != 0 && (s->Fault is FaultCode.None or > FaultCode.LastException) && TakeTraps() is var hits and not 0)
        {
            return EndWithDebug(hits);
        }
        return s->Fault != FaultCode.None && HandleFault(ref fuel);
    }

    /// <summary>Charges the block and runs the chain that begins with it. Without tail calls the chain is cut before the stack gets deep.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    long Enter(Op* entry, long fuel)
    {
        long quantum = Math.Min(fuel, TailCalls.Quantum);
        long kept = fuel - quantum;
        return kept + entry->Handler(state, entry, quantum - entry->Remaining);
    }
}
