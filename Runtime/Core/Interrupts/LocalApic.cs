using System.Numerics;
using FastVcpu.State;

namespace FastVcpu.Interrupts;

/// <summary>
/// The local APIC of a vCPU (SDM Vol. 3 chapter 11): what it takes and hands to its processor. Interrupts arrive from any thread; everything else
/// happens on the thread of the vCPU.
/// </summary>
sealed unsafe partial class LocalApic : IDisposable, IStateful
{
    /// <summary>Bytes of the register page that have a meaning.</summary>
    public const int StateSize = 0x400;

    const int InitEvent = 1, StartUpEvent = 2;
    const int NoVector = -1, FirstLegalVector = 16, Vectors = 256, WordBits = 32;

    readonly Vcpu cpu;
    readonly CpuState* s;
    readonly IrqChip chip;
    readonly ApicTimer timer;
    readonly uint[] registers = new uint[StateSize / sizeof(uint)];

    /// <summary>IRR is not empty; may be out of date in that direction only.</summary>
    volatile bool hasRequests;

    /// <summary>Errors since the error status register was written.</summary>
    uint errors;

    ulong apicBase;
    volatile bool isDisposed;

    int startUpEvents, startUpVector;

    public LocalApic(Vcpu cpu, CpuState* state, IrqChip chip)
    {
        this.cpu = cpu;
        s = state;
        this.chip = chip;
        timer = new ApicTimer(this, state, cpu.Clock);
        Reset(isPowerOn: true);
    }

    public int Id => cpu.Id;

    public ApicTimer Timer => timer;

    /// <summary>The APIC base register enables it.</summary>
    public bool IsPresent => ApicBase.IsEnabled(Base);

    public bool IsExtended => ApicBase.IsExtended(Base);

    /// <summary>IA32_APIC_BASE. A copy: other threads look at it, and the state may be gone then.</summary>
    ulong Base => Volatile.Read(ref apicBase);

    /// <summary>It takes interrupts: the software has enabled it too.</summary>
    public bool IsEnabled => IsPresent && (Register(ApicRegister.SpuriousVector) & SoftwareEnable) != 0;

    /// <summary>The priority of what the processor does (PPR).</summary>
    public uint ProcessorPriority
    {
        get
        {
            uint task = Register(ApicRegister.TaskPriority), served = (uint)Math.Max(0, Highest(ApicRegister.InService));
            return (task & 0xF0) >= (served & 0xF0) ? task : served & 0xF0;
        }
    }

    /// <summary>An interrupt waits that is more urgent than what the processor does.</summary>
    public bool HasInterrupt => hasRequests && FindInterrupt() != NoVector;

    /// <summary>The 8259A reaches the processor (virtual wire mode through LINT0, or without this APIC).</summary>
    public bool AcceptsExternal
    {
        get
        {
            uint lint0 = Register(ApicRegister.LvtLint0);
            return !IsPresent || ((lint0 & Lvt.Masked) == 0 && ModeOf(lint0) == DeliveryMode.External);
        }
    }

    /// <summary>The interrupt that is to be served goes into service.</summary>
    public bool TryAcknowledge(out byte vector)
    {
        int found = hasRequests ? FindInterrupt() : NoVector;
        vector = (byte)Math.Max(0, found);
        if (found != NoVector)
        {
            Interlocked.And(ref Word(ApicRegister.Requests, found), ~Bit(found));
            Word(ApicRegister.InService, found) |= Bit(found);
        }
        return found != NoVector;
    }

    /// <summary>Takes a message that is for this APIC; from any thread. False: it is lost.</summary>
    public bool Accept(in ApicMessage message)
    {
        switch (message.Mode)
        {
            case var _ when isDisposed:
                return false;
            case DeliveryMode.Fixed or DeliveryMode.LowestPriority:
                return AcceptInterrupt(message.Vector, message.IsLevelTriggered);
            case DeliveryMode.SystemManagement:
                cpu.Queue.QueueSmi();
                return true;
            case DeliveryMode.NonMaskable:
                cpu.Queue.QueueNmi();
                return true;
            case DeliveryMode.Init:
                Volatile.Write(ref startUpEvents, InitEvent);
                cpu.Wake();
                return true;
            case DeliveryMode.StartUp:
                // A vector, and that it has come, in one word.
                Interlocked.Exchange(ref startUpVector, message.Vector);
                Interlocked.Or(ref startUpEvents, StartUpEvent);
                cpu.Wake();
                return true;
            default:
                return false;
        }
    }

    /// <summary>An interrupt of this APIC's own: timer, error, or an input (11.5.1).</summary>
    public void DeliverLocal(int lvt)
    {
        uint entry = Register(lvt);
        if ((entry & Lvt.Masked) == 0 && IsPresent && ModeOf(entry) != DeliveryMode.External)
        {
            DeliveryMode mode = lvt is ApicRegister.LvtTimer or ApicRegister.LvtError ? DeliveryMode.Fixed : ModeOf(entry);
            Accept(new ApicMessage { Vector = (byte)entry, Mode = mode, IsLevelTriggered = mode == DeliveryMode.Fixed && (entry & Lvt.LevelTriggered) != 0 });
        }
    }

    /// <summary>The message is for this APIC (11.6.2).</summary>
    public bool Matches(in ApicMessage message)
    {
        uint destination = message.Destination;
        if (destination == (message.IsExtended ? uint.MaxValue : byte.MaxValue))
        {
            return true;
        }
        uint logical = Register(ApicRegister.LogicalDestination);
        if (IsExtended)
        {
            return message.IsLogical
                ? (ExtendedLogicalId ^ destination) >> 16 == 0 && (ExtendedLogicalId & destination & 0xFFFF) != 0
                : destination == (uint)Id;
        }
        if (!message.IsLogical)
        {
            return destination == Register(ApicRegister.Id) >> XapicIdShift;
        }
        logical >>= XapicIdShift;
        bool isFlat = Register(ApicRegister.DestinationFormat) >> 28 == FlatModel;
        return destination <= byte.MaxValue && (isFlat
            ? (logical & destination) != 0
            : (logical ^ destination) >> 4 == 0 && (logical & destination & 0xF) != 0);
    }

    /// <summary>The highest vector in service is done (11.8.5).</summary>
    public void EndOfInterrupt()
    {
        int vector = Highest(ApicRegister.InService);
        if (vector == NoVector)
        {
            return;
        }
        Word(ApicRegister.InService, vector) &= ~Bit(vector);
        bool isLevel = (Word(ApicRegister.TriggerMode, vector) & Bit(vector)) != 0;
        if (isLevel && (Register(ApicRegister.SpuriousVector) & SuppressEoiBroadcast) == 0)
        {
            chip.EndLevel(cpu, (byte)vector);
        }
    }

    /// <summary>INIT waits, in system-management mode.</summary>
    public bool IsInitLatched => (Volatile.Read(ref startUpEvents) & InitEvent) != 0;

    public void LatchInit(bool isLatched)
    {
        Interlocked.And(ref startUpEvents, ~InitEvent);
        Interlocked.Or(ref startUpEvents, isLatched ? InitEvent : 0);
    }

    /// <summary>The 8259A asks: with LINT0 programmed for something else than virtual wire mode it is that.</summary>
    public void ExternalRaised()
    {
        if (AcceptsExternal)
        {
            cpu.Wake();
        }
        else
        {
            DeliverLocal(ApicRegister.LvtLint0);
        }
    }

    /// <summary>INIT has arrived; it is taken once.</summary>
    public bool TryTakeInit()
    {
        int events = Volatile.Read(ref startUpEvents);
        return (events & InitEvent) != 0 && (Interlocked.And(ref startUpEvents, ~InitEvent) & InitEvent) != 0;
    }

    /// <summary>A start-up IPI has arrived; it is taken once.</summary>
    public bool TryTakeStartUp(out byte vector)
    {
        bool taken = Volatile.Read(ref startUpEvents) != 0 && (Interlocked.And(ref startUpEvents, ~StartUpEvent) & StartUpEvent) != 0;
        vector = (byte)Volatile.Read(ref startUpVector);
        return taken;
    }

    /// <summary>INIT or SIPI has arrived.</summary>
    public bool HasStartUpEvent => Volatile.Read(ref startUpEvents) != 0;

    public void Dispose()
    {
        isDisposed = true;
        timer.Dispose();
    }

    bool AcceptInterrupt(byte vector, bool isLevelTriggered)
    {
        if (!IsEnabled)
        {
            return false;
        }
        if (vector < FirstLegalVector)
        {
            RaiseError(ApicError.ReceiveIllegalVector);
            return false;
        }
        if (isLevelTriggered)
        {
            Interlocked.Or(ref Word(ApicRegister.TriggerMode, vector), Bit(vector));
        }
        else
        {
            Interlocked.And(ref Word(ApicRegister.TriggerMode, vector), ~Bit(vector));
        }
        Interlocked.Or(ref Word(ApicRegister.Requests, vector), Bit(vector));
        hasRequests = true;
        cpu.Wake();
        return true;
    }

    /// <summary>Records an error; the first of its kind interrupts.</summary>
    void RaiseError(uint error)
    {
        if ((Interlocked.Or(ref errors, error) & error) == 0)
        {
            DeliverLocal(ApicRegister.LvtError);
        }
    }

    int FindInterrupt()
    {
        hasRequests = false;
        int vector = IsPresent ? Highest(ApicRegister.Requests) : NoVector;
        if (vector == NoVector)
        {
            return NoVector;
        }
        hasRequests = true;
        return (vector & 0xF0) > (ProcessorPriority & 0xF0) ? vector : NoVector;
    }

    int Highest(int bitmap)
    {
        for (int word = Vectors / WordBits - 1; word >= 0; word--)
        {
            uint bits = Volatile.Read(ref registers[(bitmap + word * ApicRegister.Stride) / sizeof(uint)]);
            if (bits != 0)
            {
                return word * WordBits + BitOperations.Log2(bits);
            }
        }
        return NoVector;
    }

    ref uint Word(int bitmap, int vector) => ref registers[(bitmap + vector / WordBits * ApicRegister.Stride) / sizeof(uint)];

    static uint Bit(int vector) => 1u << (vector % WordBits);

    static DeliveryMode ModeOf(uint entry) => (DeliveryMode)((entry & Lvt.Mode) >> Lvt.ModeShift);

    ref uint Register(int offset) => ref registers[offset / sizeof(uint)];
}
