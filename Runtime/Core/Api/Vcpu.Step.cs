using FastVcpu.Decode;
using FastVcpu.Events;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>A step is done but has not been reported, because its instruction ended the run in another way.</summary>
    bool owesStep;

    /// <summary>Breakpoints and steps.</summary>
    internal GuestDebugging Debugging { get; }

    /// <summary>What waits to be delivered.</summary>
    internal EventQueue Queue { get; }

    /// <summary>
    /// Runs one instruction by itself, or one element of a repeated one, and does what is due between two instructions: code breakpoints
    /// before it; shadows, RF, the trap of TF, watchpoints and the debugger's step after it. True: the run ends.
    /// </summary>
    bool RunSingle(ref long fuel)
    {
        CpuState* s = state;
        bool completes = IsCompleting;
        if (!completes && Debugging.HasCodeBreakpoints && CodeBreakpointsHere() is var here and not 0)
        {
            return BreakBefore(here, ref fuel);
        }
        if (!completes && (HasHooks || passedHook != null) && TakeHook())
        {
            return true;
        }
        ulong flags = s->SystemFlags;
        InterruptShadow shadow = s->Shadow;
        bool traps = (flags & SystemFlagBits.Trap) != 0, steps = Debugging.IsStepping;
        s->SystemFlags = flags & ~SystemFlagBits.Resume;
        s->Shadow = InterruptShadow.None;
        bool retired = EnterSingle(ref fuel, elementwise: traps || steps || completes || s->WatchedKinds != 0);
        bool progressed = retired || (s->Fault == FaultCode.None && (s->SystemFlags & SystemFlagBits.Resume) != 0);
        EndCompletion(progressed);
        if (!progressed)
        {
            // A fault, an exit to be completed, or code that changed under it.
            s->SystemFlags |= flags & SystemFlagBits.Resume;
            s->Shadow = shadow;
            s->PendingDebug &= Dr6.RegisterAccess;
            return s->Fault != FaultCode.None && (HandleFault(ref fuel) || (steps && s->EventDelivered != 0 && EndStep(0)));
        }
        deliveries = 0;
        if (retired)
        {
            // An instruction with the same shadow does not extend it.
            s->Shadow &= ~shadow;
        }
        if (traps && s->EventDelivered == 0 && (s->Shadow & InterruptShadow.MovSs) == 0)
        {
            s->PendingDebug |= Dr6.SingleStep;
        }
        uint hits = s->PendingDebug != 0 ? TakeTraps() : 0;
        if (s->Fault != FaultCode.None && HandleFault(ref fuel))
        {
            owesStep = steps && exit.Reason is (ExitReason.SystemCall or ExitReason.SystemEnter or ExitReason.SoftwareInterrupt or ExitReason.SetTpr);
            return true;
        }
        return steps ? EndStep(hits) : hits != 0 && EndWithDebug(hits);
    }

    /// <summary>Runs the block of one instruction at RIP. True: it has retired.</summary>
    bool EnterSingle(ref long fuel, bool elementwise)
    {
        CpuState* s = state;
        s->EventDelivered = 0;
        s->IsSingle = 1;
        s->ExitDataReady = accessIsServed ? 1 : 0;
        s->EndsAfterElement = elementwise ? 1 : 0;
        Op* entry = blocks.Find(s->Mode | CpuMode.OneInstruction);
        bool retired = entry != null && Entry(entry)(s, entry, 0) == 0;
        if (retired)
        {
            fuel--;
            counted?.Advance(1);
        }
        s->EndsAfterElement = 0;
        s->IsSingle = 0;
        s->LinkSource = null;
        return retired;
    }

    /// <summary>How an instruction is entered by itself: one that has left for MMIO would miss the TLB again.</summary>
    delegate*<CpuState*, Op*, long, long> Entry(Op* op) =>
        Mmio.InProgress && CodeRegion.Key(op).Value != OpArena.StubKey ? BlockCache.CarefulHandler(state, op) : op->Handler;

    /// <summary>The code breakpoints that the next instruction has, as bits of DR6. RF and the shadow of MOV SS suppress them.</summary>
    uint CodeBreakpointsHere()
    {
        bool isSuppressed = (state->SystemFlags & SystemFlagBits.Resume) != 0 || (state->Shadow & InterruptShadow.MovSs) != 0;
        return isSuppressed ? 0 : Debugging.MatchCode(CodeFetch.Linear(state, state->Rip));
    }

    /// <summary>A code breakpoint: the debugger's ends the run, the guest's is a fault. True: the run ends.</summary>
    bool BreakBefore(uint hits, ref long fuel)
    {
        if (Debugging.UsesHardwareBreakpoints)
        {
            return EndWithDebug(hits);
        }
        ApplyPayload(FaultCode.Debug, hits);
        fuel -= ChargeDelivery();
        return DeliverException(FaultCode.Debug, 0) == Delivery.Exit || (Debugging.IsStepping && EndStep(0));
    }

    /// <summary>
    /// The debug traps of the instruction that has retired: the guest's become an exception that waits, the debugger's are returned. After
    /// MOV SS they wait for the next instruction.
    /// </summary>
    uint TakeTraps()
    {
        CpuState* s = state;
        if ((s->Shadow & InterruptShadow.MovSs) != 0)
        {
            return 0;
        }
        uint traps = s->PendingDebug;
        s->PendingDebug = 0;
        uint hits = Debugging.UsesHardwareBreakpoints ? traps & Dr6.Breakpoints : 0;
        if ((traps & ~hits) != 0)
        {
            Queue.RaiseDebug(traps & ~hits);
        }
        return hits;
    }

    /// <summary>A step ended with an exit behind its instruction: the debugger is told of the step at the next run. True: the run ends.</summary>
    bool TakeOwedStep()
    {
        owesStep = false;
        return Debugging.IsStepping && EndStep(0);
    }

    /// <summary>The debugger's step is done; a trap that the instruction has caused is delivered with it. Always true: the run ends.</summary>
    bool EndStep(uint hits)
    {
        hits |= state->PendingDebug != 0 ? TakeTraps() : 0;
        if (Queue.DeliverTraps() == Delivery.Exit)
        {
            return true;
        }
        uint next = Debugging.UsesHardwareBreakpoints && Debugging.HasCodeBreakpoints ? CodeBreakpointsHere() : 0;
        return EndWithDebug(Dr6.SingleStep | hits | next);
    }

    /// <summary>Tells the debugger. Always true: the run ends.</summary>
    bool EndWithDebug(uint dr6, int exception = FaultCode.Debug)
    {
        UpdateMode();
        exit = new VcpuExit
        {
            Reason = ExitReason.Debug,
            Vector = exception,
            Address = CodeFetch.Linear(state, state->Rip),
            Data = Dr6.Fixed | dr6,
            ErrorCode = (uint)Debugging.Dr7,
        };
        return true;
    }
}
