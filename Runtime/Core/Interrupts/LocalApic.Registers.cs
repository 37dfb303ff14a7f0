using System.Runtime.InteropServices;

namespace FastVcpu.Interrupts;

/// <summary>The registers as software sees them, and what writes do.</summary>
sealed unsafe partial class LocalApic
{
    const int XapicIdShift = 24;
    const uint FlatModel = 0xF;
    const uint SoftwareEnable = 1 << 8, FocusDisabled = 1 << 9, SuppressEoiBroadcast = 1 << 12;
    const uint SpuriousVectorReset = 0xFF, DestinationFormatReset = uint.MaxValue;

    /// <summary>Six LVT entries; EOI broadcasts can be suppressed.</summary>
    const uint VersionValue = 0x14 | 5 << 16 | 1 << 24;

    const uint CommandWritable = 0x000CCFFF, CommandLevel = 1 << 14;

    /// <summary>x2APIC: the processor's number in its cluster of 16 (11.12.10.2).</summary>
    uint ExtendedLogicalId => (uint)Id >> 4 << 16 | 1u << (Id & 0xF);

    /// <summary>The register page (KVM_GET_LAPIC, KVM_SET_LAPIC).</summary>
    public void GetState(Span<byte> page)
    {
        Register(ApicRegister.CurrentCount) = timer.CurrentCount;
        Register(ApicRegister.ProcessorPriority) = ProcessorPriority;
        MemoryMarshal.AsBytes<uint>(registers).CopyTo(page);
    }

    /// <inheritdoc cref="GetState"/>
    public void SetState(ReadOnlySpan<byte> page)
    {
        page[..StateSize].CopyTo(MemoryMarshal.AsBytes(registers.AsSpan()));
        Register(ApicRegister.Version) = VersionValue;
        s->Cr8 = Register(ApicRegister.TaskPriority) >> 4;
        timer.Restore(Register(ApicRegister.LvtTimer), Register(ApicRegister.DivideConfiguration), Register(ApicRegister.InitialCount), Register(ApicRegister.CurrentCount));
        hasRequests = true;
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        // These are computed whenever somebody looks.
        (Register(ApicRegister.CurrentCount), Register(ApicRegister.ProcessorPriority)) = (0, 0);
        state.Values(registers.AsSpan());
        state.Value(ref errors);
        state.Value(ref startUpEvents, 0, InitEvent | StartUpEvent);
        state.Value(ref startUpVector, 0, byte.MaxValue);
        timer.Transfer(state);
        if (state.IsRestoring)
        {
            // The base register itself is the vCPU's and has been restored.
            Volatile.Write(ref apicBase, s->ApicBase);
            hasRequests = true;
        }
    }

    /// <summary>Power-on, INIT, or enabling after it was disabled (11.4.7). An INIT keeps the number.</summary>
    public void Reset(bool isPowerOn)
    {
        uint id = isPowerOn ? (uint)Id << XapicIdShift : Register(ApicRegister.Id);
        Array.Clear(registers);
        Register(ApicRegister.Id) = id;
        Register(ApicRegister.Version) = VersionValue;
        Register(ApicRegister.DestinationFormat) = DestinationFormatReset;
        Register(ApicRegister.SpuriousVector) = SpuriousVectorReset;
        for (int lvt = ApicRegister.FirstLvt; lvt <= ApicRegister.LastLvt; lvt += ApicRegister.Stride)
        {
            Register(lvt) = Lvt.Masked;
        }
        if (cpu.IsBootstrap)
        {
            // Virtual wire mode, as firmware leaves it, so that systems that know only the 8259A work.
            Register(ApicRegister.LvtLint0) = (uint)DeliveryMode.External << Lvt.ModeShift;
        }
        s->Cr8 = 0;
        errors = 0;
        hasRequests = false;
        timer.Restore(Lvt.Masked, 0, 0, 0);
        UpdateExtendedRegisters();
    }

    /// <summary>IA32_APIC_BASE has been written.</summary>
    public void SetBase(ulong value)
    {
        bool wasPresent = IsPresent;
        Volatile.Write(ref apicBase, value);
        if (!wasPresent && IsPresent)
        {
            Reset(isPowerOn: true);
        }
        UpdateExtendedRegisters();
    }

    /// <summary>MOV to CR8.</summary>
    public void SetTaskPriority(uint value)
    {
        Register(ApicRegister.TaskPriority) = value;
        s->Cr8 = value >> 4;
    }

    /// <summary>Reads a register; false: there is none to read.</summary>
    public bool TryRead(int offset, out uint value)
    {
        value = Register(offset);
        switch (offset)
        {
            case ApicRegister.Id or ApicRegister.Version or ApicRegister.TaskPriority or ApicRegister.LogicalDestination or ApicRegister.SpuriousVector:
            case >= ApicRegister.InService and <= ApicRegister.ErrorStatus:
            case ApicRegister.CommandLow or ApicRegister.CommandHigh:
            case >= ApicRegister.FirstLvt and <= ApicRegister.InitialCount:
            case ApicRegister.DivideConfiguration:
                return true;
            case ApicRegister.ProcessorPriority:
                value = ProcessorPriority;
                return true;
            case ApicRegister.CurrentCount:
                value = timer.CurrentCount;
                return true;
            case ApicRegister.DestinationFormat or ApicRegister.ArbitrationPriority or ApicRegister.RemoteRead:
                return !IsExtended;
            default:
                return false;
        }
    }

    /// <summary>Writes a register; false: there is none to write, or it does not take the value (x2APIC).</summary>
    public bool TryWrite(int offset, uint value)
    {
        switch (offset)
        {
            case ApicRegister.Id when !IsExtended:
                Register(offset) = value & 0xFFu << XapicIdShift;
                return true;
            case ApicRegister.TaskPriority:
                SetTaskPriority(value & 0xFF);
                return value <= 0xFF || !IsExtended;
            case ApicRegister.EndOfInterrupt:
                EndOfInterrupt();
                return true;
            case ApicRegister.LogicalDestination when !IsExtended:
                Register(offset) = value & 0xFFu << XapicIdShift;
                return true;
            case ApicRegister.DestinationFormat when !IsExtended:
                Register(offset) = value | ~(0xFu << 28);
                return true;
            case ApicRegister.SpuriousVector:
                WriteSpuriousVector(value);
                return true;
            case ApicRegister.ErrorStatus:
                Register(offset) = Interlocked.Exchange(ref errors, 0);
                return true;
            case ApicRegister.CommandLow:
                Register(offset) = value & CommandWritable;
                Send(value);
                return true;
            case ApicRegister.CommandHigh when !IsExtended:
                Register(offset) = value;
                return true;
            case >= ApicRegister.FirstLvt and <= ApicRegister.LastLvt:
                WriteLvt(offset, value);
                return true;
            case ApicRegister.InitialCount:
                timer.WriteInitialCount(value);
                Register(offset) = timer.InitialCount;
                return true;
            case ApicRegister.DivideConfiguration:
                Register(offset) = value & 0xB;
                timer.WriteDivide(value);
                return true;
            case ApicRegister.SelfIpi when IsExtended:
                Send((value & 0xFF) | (uint)DestinationShorthand.Self << 18);
                return true;
            default:
                return false;
        }
    }

    void WriteSpuriousVector(uint value)
    {
        Register(ApicRegister.SpuriousVector) = value & (0xFF | SoftwareEnable | FocusDisabled | SuppressEoiBroadcast);
        if ((value & SoftwareEnable) == 0)
        {
            for (int lvt = ApicRegister.FirstLvt; lvt <= ApicRegister.LastLvt; lvt += ApicRegister.Stride)
            {
                Register(lvt) |= Lvt.Masked;
            }
        }
    }

    void WriteLvt(int offset, uint value)
    {
        bool staysMasked = (Register(ApicRegister.SpuriousVector) & SoftwareEnable) == 0;
        Register(offset) = value & Lvt.Writable(offset) | (staysMasked ? Lvt.Masked : 0);
        if (offset == ApicRegister.LvtTimer)
        {
            timer.WriteLvt(Register(offset));
            Register(ApicRegister.InitialCount) = timer.InitialCount;
        }
    }

    /// <summary>Sends an interprocessor interrupt (11.6).</summary>
    void Send(uint command)
    {
        uint destination = IsExtended ? Register(ApicRegister.CommandHigh) : Register(ApicRegister.CommandHigh) >> XapicIdShift;
        ApicMessage message = ApicMessage.FromCommand(command, destination, IsExtended);
        bool isInterrupt = message.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority;
        bool deasserts = message.Mode == DeliveryMode.Init && message.IsLevelTriggered && (command & CommandLevel) == 0;
        if (isInterrupt && message.Vector < FirstLegalVector)
        {
            RaiseError(ApicError.SendIllegalVector);
        }
        else if (!deasserts)
        {
            // The trigger mode counts for INIT only; other IPIs are edges (11.6.1).
            chip.Bus.Deliver(message with { IsLevelTriggered = false }, this);
        }
    }

    /// <summary>In x2APIC mode number and logical number are fixed, and the command register has 32 bits of destination.</summary>
    void UpdateExtendedRegisters()
    {
        if (IsExtended)
        {
            Register(ApicRegister.Id) = (uint)Id;
            Register(ApicRegister.LogicalDestination) = ExtendedLogicalId;
        }
    }
}
