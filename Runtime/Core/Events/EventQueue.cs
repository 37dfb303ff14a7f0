using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Events;

/// <summary>How a look at the queue ended.</summary>
enum Delivery
{
    /// <summary>Nothing can be delivered now.</summary>
    None,
    /// <summary>The vCPU stands at the first instruction of a handler.</summary>
    Done,
    /// <summary>The run ends.</summary>
    Exit,
}

/// <summary>What waits to be delivered to one vCPU, and the order in which it is.</summary>
/// <remarks>
/// Interrupts arrive from any thread, so changes are made under a lock. The arrival of an event makes the vCPU look once
/// (<see cref="Execution.PendingBits.Event"/>). What cannot be delivered then is looked at again when a block ends that may have changed IF,
/// a mask or a shadow; it does not slow down the code in between.
/// </remarks>
sealed unsafe class EventQueue
{
    /// <summary>NMIs that wait: one latched beside one in service, or two.</summary>
    const int MostNmis = 2;

    readonly Vcpu cpu;
    readonly CpuState* s;
    readonly Lock gate = new();
    volatile bool isWaiting;
    ExceptionEvent exception;
    InterruptEvent interrupt;
    bool nmiIsBegun, smiIsPending, initIsLatched;
    int nmisPending;
    bool requestsWindow;

    public EventQueue(Vcpu cpu, CpuState* state)
    {
        this.cpu = cpu;
        s = state;
    }

    /// <summary>Something waits, deliverable or not.</summary>
    public bool IsWaiting => isWaiting || cpu.HasControllerInterrupt;

    /// <summary>Nothing is in it, whoever asks.</summary>
    public bool IsAtRest => !isWaiting && !initIsLatched && cpu.Apic == null;

    /// <summary>The embedder's controller has queued an interrupt.</summary>
    public bool HasInterrupt => interrupt.IsPending;

    /// <summary>An exception waits or is being delivered.</summary>
    public bool HasException => exception.IsPending || exception.IsInjected;

    /// <summary>The run ends as soon as an interrupt could be injected.</summary>
    public bool RequestsWindow
    {
        get => requestsWindow;
        set
        {
            lock (gate)
            {
                requestsWindow = value;
                Refresh();
            }
        }
    }

    /// <summary>An interrupt that the embedder queues now is delivered at once. With the 8259A in the core there is nothing to wait for.</summary>
    public bool IsReadyForInterrupt => !cpu.Debugging.BlocksInterrupts && (cpu.HasPic || InterruptWindowIsOpen);

    bool InterruptWindowIsOpen =>
        InterruptIsOpen && cpu.AcceptsExternal && !interrupt.IsPending && !interrupt.IsInjected && !nmiIsBegun && !HasException;

    bool InterruptIsOpen => (s->SystemFlags & SystemFlagBits.Interrupt) != 0 && s->Shadow == InterruptShadow.None;

    /// <summary>
    /// Delivers the most urgent event, in the order of SDM Vol. 3 table 6-2 as far as it is decided here. Reset is the embedder's; faults of
    /// fetching, decoding and executing the next instruction (and its code breakpoints) come after all of these.
    /// </summary>
    public Delivery Deliver()
    {
        // What has begun is completed.
        if (exception.IsInjected)
        {
            return DeliverException();
        }
        if (nmiIsBegun)
        {
            nmiIsBegun = false;
            return DeliverInterrupt(FaultCode.NonMaskableInterrupt, isSoft: false);
        }
        if (interrupt.IsInjected)
        {
            InterruptEvent begun = interrupt;
            interrupt = default;
            return DeliverInterrupt(begun.Vector, begun.IsSoft);
        }
        if (IsTripleFault)
        {
            IsTripleFault = false;
            Refresh();
            return cpu.EndRun(ExitReason.Shutdown);
        }
        // Traps of the instruction before: single step, data and I/O breakpoints, task switch; and what the debugger injects.
        if (exception.IsPending)
        {
            return DeliverException();
        }
        // BLOCKIRQ: nothing from outside the instruction stream.
        if (cpu.Debugging.BlocksInterrupts)
        {
            return Delivery.None;
        }
        lock (gate)
        {
            if (smiIsPending && s->InSmm == 0)
            {
                smiIsPending = false;
                Refresh();
                return cpu.EnterSystemManagement();
            }
            if (nmisPending > 0 && s->NmiMasked == 0 && s->InSmm == 0 && s->Shadow == InterruptShadow.None)
            {
                nmisPending--;
                s->NmiMasked = 1;
                return DeliverInterrupt(FaultCode.NonMaskableInterrupt, isSoft: false);
            }
            if (interrupt.IsPending && InterruptIsOpen && cpu.AcceptsExternal)
            {
                byte queued = interrupt.Vector;
                interrupt = default;
                return DeliverInterrupt(queued, isSoft: false);
            }
        }
        if (InterruptIsOpen && cpu.TryAcknowledgeInterrupt(out byte vector))
        {
            return DeliverInterrupt(vector, isSoft: false);
        }
        return requestsWindow && !cpu.HasPic && InterruptWindowIsOpen ? cpu.EndRun(ExitReason.InterruptWindowOpen) : Delivery.None;
    }

    /// <summary>Something waits that ends HLT; whether a debugger holds it back does not matter.</summary>
    /// <param name="inSpiteOfFlag">A masked interrupt counts too.</param>
    public bool EndsHalt(bool inSpiteOfFlag)
    {
        lock (gate)
        {
            bool interrupts = inSpiteOfFlag || (s->SystemFlags & SystemFlagBits.Interrupt) != 0;
            return HasException || nmiIsBegun || interrupt.IsInjected || IsTripleFault
                || (smiIsPending && s->InSmm == 0)
                || (nmisPending > 0 && s->NmiMasked == 0 && s->InSmm == 0)
                || (interrupts && ((interrupt.IsPending && cpu.AcceptsExternal) || cpu.HasControllerInterrupt));
        }
    }

    /// <summary>Delivers only what the last instruction has caused.</summary>
    public Delivery DeliverTraps() => exception.IsPending ? DeliverException() : Delivery.None;

    /// <summary>A debug exception of the instruction that has retired, with its bits of DR6.</summary>
    public void RaiseDebug(uint dr6) =>
        SetException(new ExceptionEvent { IsPending = true, Vector = FaultCode.Debug, HasPayload = dr6 != 0, Payload = dr6 | (HasException ? exception.Payload : 0) });

    public void SetException(ExceptionEvent value)
    {
        lock (gate)
        {
            exception = value;
            Refresh();
        }
    }

    /// <summary>An exception that waits does not belong to the state that the embedder sets.</summary>
    public void CancelException()
    {
        if (HasException)
        {
            SetException(default);
        }
    }

    public void QueueInterrupt(byte vector)
    {
        lock (gate)
        {
            interrupt = interrupt.IsInjected ? interrupt : new InterruptEvent { IsPending = true, Vector = vector };
            Arrive();
        }
    }

    public void QueueNmi()
    {
        lock (gate)
        {
            int most = s->NmiMasked != 0 || nmiIsBegun ? MostNmis - 1 : MostNmis;
            nmisPending = Math.Min(nmisPending + 1, most);
            Arrive();
        }
    }

    public void QueueSmi()
    {
        lock (gate)
        {
            smiIsPending = true;
            Arrive();
        }
    }

    public bool IsTripleFault { get; private set; }

    public VcpuEvents Get()
    {
        lock (gate)
        {
            return new VcpuEvents
            {
                Exception = exception,
                Interrupt = interrupt with { Shadow = s->Shadow },
                Nmi = new NmiEvent { IsInjected = nmiIsBegun, Pending = nmisPending, IsMasked = s->NmiMasked != 0 },
                Smi = new SmiEvent { IsInSmm = s->InSmm != 0, IsPending = smiIsPending, IsInsideNmi = s->SmmInsideNmi != 0, IsInitLatched = cpu.Apic?.IsInitLatched ?? initIsLatched },
                IsTripleFaultPending = IsTripleFault,
            };
        }
    }

    public void Set(VcpuEvents events)
    {
        Check(events);
        lock (gate)
        {
            ExceptionEvent e = events.Exception;
            exception = !e.IsPending && !e.IsInjected ? default : e with { IsInjected = e.IsInjected && !e.IsPending, HasPayload = e.HasPayload && e.IsPending };
            InterruptEvent i = events.Interrupt;
            interrupt = !i.IsPending && !i.IsInjected ? default : i with { IsPending = i.IsPending && !i.IsInjected, Shadow = InterruptShadow.None };
            s->Shadow = i.Shadow;
            nmiIsBegun = events.Nmi.IsInjected;
            nmisPending = events.Nmi.Pending;
            s->NmiMasked = events.Nmi.IsMasked ? 1 : 0;
            s->InSmm = events.Smi.IsInSmm ? 1 : 0;
            s->SmmInsideNmi = events.Smi.IsInsideNmi ? 1 : 0;
            smiIsPending = events.Smi.IsPending;
            initIsLatched = events.Smi.IsInitLatched;
            cpu.Apic?.LatchInit(initIsLatched);
            IsTripleFault = events.IsTripleFaultPending;
            Refresh();
        }
    }

    /// <summary>Passes everything that waits through. INIT is the local APIC's, when there is one.</summary>
    public void Transfer(StateTransfer state)
    {
        VcpuEvents events = Get();
        (ExceptionEvent e, InterruptEvent i, NmiEvent n, SmiEvent m) = (events.Exception, events.Interrupt, events.Nmi, events.Smi);
        events = new VcpuEvents
        {
            Exception = new ExceptionEvent
            {
                IsPending = state.Value(e.IsPending),
                IsInjected = state.Value(e.IsInjected),
                Vector = state.Value(e.Vector),
                HasErrorCode = state.Value(e.HasErrorCode),
                ErrorCode = state.Value(e.ErrorCode),
                HasPayload = state.Value(e.HasPayload),
                Payload = state.Value(e.Payload),
            },
            Interrupt = new InterruptEvent
            {
                IsPending = state.Value(i.IsPending),
                IsInjected = state.Value(i.IsInjected),
                Vector = state.Value(i.Vector),
                IsSoft = state.Value(i.IsSoft),
                Shadow = (InterruptShadow)state.Value((int)i.Shadow),
            },
            Nmi = new NmiEvent { IsInjected = state.Value(n.IsInjected), Pending = state.Value(n.Pending), IsMasked = state.Value(n.IsMasked) },
            Smi = new SmiEvent
            {
                IsInSmm = state.Value(m.IsInSmm),
                IsPending = state.Value(m.IsPending),
                IsInsideNmi = state.Value(m.IsInsideNmi),
                IsInitLatched = state.Value(m.IsInitLatched),
            },
            IsTripleFaultPending = state.Value(events.IsTripleFaultPending),
        };
        state.Require(IsPossible(events));
        if (state.IsRestoring)
        {
            Set(events);
        }
    }

    static bool IsPossible(VcpuEvents events)
    {
        try
        {
            Check(events);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    static void Check(VcpuEvents events)
    {
        if ((events.Exception.IsPending || events.Exception.IsInjected) && events.Exception.Vector is < 0 or 2 or > 31)
        {
            throw new ArgumentException($"Vector {events.Exception.Vector} is not an exception.", nameof(events));
        }
        if ((events.Interrupt.Shadow & ~(InterruptShadow.MovSs | InterruptShadow.Sti)) != 0)
        {
            throw new ArgumentException($"Interrupt shadow {(int)events.Interrupt.Shadow:x}h does not exist.", nameof(events));
        }
        if (events.Nmi.Pending is < 0 or > MostNmis)
        {
            throw new ArgumentException($"{events.Nmi.Pending} NMIs cannot be pending; {MostNmis} can.", nameof(events));
        }
    }

    Delivery DeliverException()
    {
        ExceptionEvent e = exception;
        exception = default;
        Refresh();
        if (e.HasPayload)
        {
            cpu.ApplyPayload(e.Vector, e.Payload);
        }
        if (e.Vector is FaultCode.Breakpoint or FaultCode.Overflow)
        {
            s->Rip = cpu.BehindTrapInstruction(e.Vector);
        }
        return cpu.DeliverException(e.Vector, e.HasErrorCode ? e.ErrorCode : 0);
    }

    Delivery DeliverInterrupt(int vector, bool isSoft)
    {
        Refresh();
        return cpu.DeliverInterrupt(vector, isSoft);
    }

    void Arrive()
    {
        Refresh();
        cpu.Wake();
    }

    void Refresh()
    {
        isWaiting = HasException || nmiIsBegun || interrupt.IsInjected || interrupt.IsPending || IsTripleFault || smiIsPending || nmisPending > 0 || requestsWindow;
    }
}
