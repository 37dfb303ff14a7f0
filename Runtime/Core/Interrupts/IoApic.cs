using System.Buffers.Binary;

namespace FastVcpu.Interrupts;

/// <summary>The I/O APIC (82093AA data sheet) with the EOI register of its successors. Lines change from any thread. The polarity bit is ignored, as by KVM: a high line asks.</summary>
sealed class IoApic : IDevice, IStateful
{
    public const ulong DefaultAddress = 0xFEC00000, Size = 0x1000;

    const int Pins = IoApicState.Inputs;
    const uint Version = 0x20 | (Pins - 1) << 16;

    // Memory-mapped registers.
    const ulong Select = 0x00, Window = 0x10, EndOfInterrupt = 0x40;

    // Registers behind the window.
    const int IdRegister = 0, VersionRegister = 1, ArbitrationRegister = 2, FirstRedirection = 0x10;
    const int IdShift = 24;

    readonly Lock gate = new();
    readonly ApicBus bus;
    readonly ulong[] redirections = new ulong[Pins];
    uint lines;
    byte selected, id;

    public IoApic(ApicBus bus)
    {
        this.bus = bus;
        Array.Fill(redirections, Redirection.Masked);
    }

    public IoApicState State
    {
        get
        {
            lock (gate)
            {
                return new IoApicState { SelectedRegister = selected, Id = id, Lines = lines, Redirections = [.. redirections] };
            }
        }
        set
        {
            lock (gate)
            {
                (selected, id, lines) = (value.SelectedRegister, (byte)(value.Id & 0xF), value.Lines & (1u << Pins) - 1);
                value.Redirections.CopyTo(redirections, 0);
                for (int pin = 0; pin < Pins; pin++)
                {
                    ServeLevel(pin);
                }
            }
        }
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        lock (gate)
        {
            state.Value(ref selected);
            state.Value(ref id);
            state.Value(ref lines, 0u, (1u << Pins) - 1);
            state.Values(redirections.AsSpan());
        }
    }

    /// <summary>An input changes. True: it is delivered, or (a level) waits to be.</summary>
    public bool SetLine(int pin, bool level)
    {
        lock (gate)
        {
            uint bit = 1u << pin;
            bool rises = level && (lines & bit) == 0;
            lines = level ? lines | bit : lines & ~bit;
            return level && ((redirections[pin] & Redirection.LevelTriggered) != 0 ? ServeLevel(pin) : rises && Serve(pin));
        }
    }

    /// <summary>A local APIC has ended a level-triggered interrupt.</summary>
    public void End(byte vector)
    {
        lock (gate)
        {
            for (int pin = 0; pin < Pins; pin++)
            {
                if ((byte)redirections[pin] == vector && (redirections[pin] & Redirection.LevelTriggered) != 0)
                {
                    redirections[pin] &= ~Redirection.RemoteIrr;
                    ServeLevel(pin);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        uint value;
        lock (gate)
        {
            value = (offset & ~3UL) switch
            {
                Select => selected,
                Window => ReadRegister(selected),
                _ => 0,
            };
        }
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        bytes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value >> (int)(offset & 3) * 8);
        bytes[..data.Length].CopyTo(data);
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        bytes.Clear();
        data.CopyTo(bytes);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        switch (offset)
        {
            case Select:
                lock (gate)
                {
                    selected = (byte)value;
                }
                break;
            case Window:
                lock (gate)
                {
                    WriteRegister(selected, value);
                }
                break;
            case EndOfInterrupt:
                End((byte)value);
                break;
        }
    }

    uint ReadRegister(int register)
    {
        switch (register)
        {
            case IdRegister or ArbitrationRegister:
                return (uint)id << IdShift;
            case VersionRegister:
                return Version;
            case >= FirstRedirection and < FirstRedirection + 2 * Pins:
                ulong entry = redirections[(register - FirstRedirection) / 2];
                return (uint)(register % 2 == 0 ? entry : entry >> 32);
            default:
                return 0;
        }
    }

    void WriteRegister(int register, uint value)
    {
        if (register == IdRegister)
        {
            id = (byte)(value >> IdShift & 0xF);
        }
        else if (register is >= FirstRedirection and < FirstRedirection + 2 * Pins)
        {
            int pin = (register - FirstRedirection) / 2;
            const ulong High = 0xFF00000000000000, Low = 0x1FFFF & ~Redirection.ReadOnly;
            ref ulong entry = ref redirections[pin];
            entry = register % 2 == 0 ? entry & ~Low | value & Low : entry & ~High | (ulong)value << 32 & High;
            // An edge-triggered entry has no remote IRR; software clears a stuck one by switching to edges and back.
            entry &= (entry & Redirection.LevelTriggered) != 0 ? ulong.MaxValue : ~Redirection.RemoteIrr;
            ServeLevel(pin);
        }
    }

    /// <summary>Sends for a level that is high and not being served already.</summary>
    bool ServeLevel(int pin)
    {
        ulong entry = redirections[pin];
        bool asks = (entry & Redirection.LevelTriggered) != 0 && (lines >> pin & 1) != 0;
        return asks && ((entry & Redirection.RemoteIrr) != 0 || Serve(pin));
    }

    bool Serve(int pin)
    {
        ulong entry = redirections[pin];
        if ((entry & Redirection.Masked) != 0)
        {
            return false;
        }
        ApicMessage message = ApicMessage.FromRedirection(entry);
        bool isDelivered = bus.Deliver(message, null) > 0;
        if (isDelivered && message.IsLevelTriggered && message.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority)
        {
            redirections[pin] |= Redirection.RemoteIrr;
        }
        return isDelivered;
    }
}
