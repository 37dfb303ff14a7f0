using FastVcpu.Events;
using FastVcpu.Execution;
using FastVcpu.Interrupts;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu;

/// <summary>With a local APIC in the core: HLT waits here, INIT and SIPI start here, and the controllers' interrupts are taken.</summary>
public sealed unsafe partial class Vcpu
{
    /// <summary>Pulsed when something arrives; all vCPUs of a machine have the same.</summary>
    readonly object wakeGate;

    MpState mpState;

    /// <summary>The run ends with HLT, instead of waiting, when there is nothing to do: somebody else decides who runs.</summary>
    bool yieldsWhenIdle;

    /// <summary>MWAIT that interrupts end in spite of IF.</summary>
    bool waitsForMasked;

    /// <summary>A vector whose end the embedder's I/O APIC is to be told, or -1.</summary>
    int endedVector = -1;

    /// <summary>Number of the vCPU, and of its local APIC.</summary>
    public int Id { get; }

    /// <summary>It is the one that starts the machine.</summary>
    public bool IsBootstrap => Id == 0;

    /// <summary>The local APIC, when it is in the core.</summary>
    internal LocalApic? Apic { get; }

    /// <summary>It has nothing to do until something arrives.</summary>
    internal bool IsWaiting => mpState != MpState.Runnable;

    /// <summary>Something has arrived since it last looked.</summary>
    internal bool HasPending => Volatile.Read(ref state->Pending) != 0;

    /// <summary>Whether it runs, waits, or has not been started (KVM_GET_MP_STATE, KVM_SET_MP_STATE).</summary>
    /// <exception cref="ArgumentException">Another state than <see cref="MpState.Runnable"/> without a local APIC in the core, or <see cref="MpState.InitReceived"/> in system-management mode.</exception>
    public MpState MpState
    {
        get => StateChecked(mpState);
        set
        {
            bool isInit = value is MpState.InitReceived or MpState.SipiReceived;
            if (value is < MpState.Runnable or > MpState.SipiReceived || (Apic == null && value != MpState.Runnable) || (isInit && State->InSmm != 0))
            {
                throw new ArgumentException($"The vCPU cannot be {value}.", nameof(value));
            }
            mpState = StateChecked(value);
            waitsForMasked = false;
            if (value == MpState.SipiReceived)
            {
                mpState = MpState.InitReceived;
                Apic!.Accept(new ApicMessage { Mode = DeliveryMode.StartUp });
            }
        }
    }

    /// <summary>The registers of the local APIC as its page of 1024 bytes (KVM_GET_LAPIC, KVM_SET_LAPIC).</summary>
    /// <exception cref="InvalidOperationException">There is no local APIC in the core (EINVAL).</exception>
    /// <exception cref="ArgumentException">Not 1024 bytes.</exception>
    public byte[] LocalApicState
    {
        get
        {
            byte[] page = new byte[LocalApic.StateSize];
            StateChecked(RequireApic()).GetState(page);
            return page;
        }
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Length != LocalApic.StateSize)
            {
                throw new ArgumentException($"The page has {LocalApic.StateSize} bytes.", nameof(value));
            }
            StateChecked(RequireApic()).SetState(value);
        }
    }

    /// <summary>
    /// When the timer of the local APIC elapses, by the machine's clock; <see cref="long.MaxValue"/> while it does not run. The page holds the rest of the count only, which is coarser: set
    /// this after it, so that a machine goes on exactly as the one it was copied from.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no local APIC in the core (EINVAL).</exception>
    public long LocalApicTimerDeadline
    {
        get => StateChecked(RequireApic()).Timer.ElapsesAt;
        set => StateChecked(RequireApic()).Timer.ElapsesAt = value;
    }

    /// <summary>An interrupt of the controllers waits that could be taken if IF and shadows allow.</summary>
    internal bool HasControllerInterrupt => Apic != null && AsksForInterrupt(Apic);

    bool AsksForInterrupt(LocalApic apic) => apic.HasInterrupt || (apic.AcceptsExternal && Machine!.IrqChip!.Pic is { HasInterrupt: true });

    /// <summary>The 8259A is in the core.</summary>
    internal bool HasPic => Machine?.IrqChip is { IsSplit: false };

    /// <summary>The embedder's 8259A reaches this vCPU.</summary>
    internal bool AcceptsExternal => Apic == null || Apic.AcceptsExternal;

    /// <summary>Something may be deliverable, or the vCPU may have been started. From any thread.</summary>
    internal void Wake() => Wake(PendingBits.Event);

    void Wake(int bits)
    {
        lock (wakeGate)
        {
            if (!isDisposed)
            {
                Interlocked.Or(ref state->Pending, bits);
                Monitor.PulseAll(wakeGate);
            }
        }
    }

    /// <summary>INTA: takes the most urgent interrupt of the controllers.</summary>
    internal bool TryAcknowledgeInterrupt(out byte vector)
    {
        vector = 0;
        if (Apic is not { } apic)
        {
            return false;
        }
        if (apic.AcceptsExternal && Machine!.IrqChip!.Pic is { HasInterrupt: true } pic)
        {
            vector = pic.Acknowledge();
            return true;
        }
        return apic.TryAcknowledge(out vector);
    }

    /// <summary>A level-triggered interrupt of the embedder's I/O APIC has ended: the run ends.</summary>
    internal void ReportEnd(byte vector)
    {
        endedVector = vector;
        Interlocked.Or(ref state->Pending, PendingBits.Event);
    }

    /// <summary>Runs for somebody who decides who runs when there is nothing to do.</summary>
    internal VcpuExit RunTurn(long instructions)
    {
        yieldsWhenIdle = true;
        try
        {
            return Run(instructions);
        }
        finally
        {
            yieldsWhenIdle = false;
        }
    }

    bool TakeEndedVector()
    {
        if (endedVector < 0)
        {
            return false;
        }
        exit = new VcpuExit { Reason = ExitReason.IoApicEndOfInterrupt, Vector = endedVector };
        endedVector = -1;
        return true;
    }

    /// <summary>HLT and MWAIT.</summary>
    void Halt(bool forMasked)
    {
        mpState = MpState.Halted;
        waitsForMasked = forMasked;
    }

    /// <summary>Takes INIT and SIPI, and ends a halt when something has arrived. True: instructions may run.</summary>
    bool IsRunnable()
    {
        if (Apic!.HasStartUpEvent && state->InSmm == 0)
        {
            TakeStartUpEvents();
        }
        if (mpState == MpState.Halted && Queue.EndsHalt(waitsForMasked))
        {
            mpState = MpState.Runnable;
        }
        return mpState == MpState.Runnable;
    }

    /// <summary>Nothing to do. True: the run ends.</summary>
    bool Idle(ref long fuel)
    {
        if (yieldsWhenIdle)
        {
            exit = new VcpuExit { Reason = ExitReason.Hlt };
            return true;
        }
        if (counted == null || !counted.TrySkip())
        {
            Sleep();
            return false;
        }
        counted.FireDue();
        // A guest that nothing will ever wake comes to the end of its limit too.
        fuel -= IsRunnable() ? 0 : 1;
        return false;
    }

    /// <summary>Waits on the host's thread for something to arrive. Others need not wait for this vCPU meanwhile.</summary>
    void Sleep()
    {
        lock (wakeGate)
        {
            isRunning = false;
            while (Volatile.Read(ref state->Pending) == 0)
            {
                Monitor.Wait(wakeGate);
            }
            isRunning = true;
        }
        Thread.MemoryBarrier();
    }

    void TakeStartUpEvents()
    {
        if (Apic!.TryTakeInit())
        {
            ResetState.Initialize(this, isPowerOn: false);
            state->LinkSource = null;
            Apic.Reset(isPowerOn: false);
            Queue.Set(default);
            mpState = IsBootstrap ? MpState.Runnable : MpState.InitReceived;
        }
        if (Apic.TryTakeStartUp(out byte page) && mpState == MpState.InitReceived)
        {
            Segmentation.Set(&state->Cs, (ushort)(page << 8), (ulong)page << 12, state->Cs.Limit, state->Cs.Attributes);
            state->Rip = 0;
            // The stub that was left through leads elsewhere.
            state->LinkSource = null;
            UpdateMode();
            mpState = MpState.Runnable;
        }
    }

    /// <summary>CR8: in the local APIC it is the upper half of its task priority.</summary>
    internal void SetTaskPriority(uint value)
    {
        state->Cr8 = value;
        Apic?.SetTaskPriority(value << 4);
    }

    /// <summary>IA32_APIC_BASE can have the value.</summary>
    internal bool IsApicBase(ulong value) =>
        (value & ~Interrupts.ApicBase.Allowed(state->PhysicalReserved, Apic != null && ApicCpuid.HasExtended(Model))) == 0 && Interrupts.ApicBase.IsMode(value);

    internal void SetApicBase(ulong value)
    {
        state->ApicBase = value;
        Apic?.SetBase(value);
    }

    void CheckApicBase(ulong value)
    {
        if (!IsApicBase(value))
        {
            throw new ArgumentException($"The APIC base cannot be {value:x}h.", nameof(value));
        }
    }

    LocalApic RequireApic() => Apic ?? throw new InvalidOperationException("There is no local APIC in the core.");
}
