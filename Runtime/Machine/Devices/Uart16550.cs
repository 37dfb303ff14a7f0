namespace FastVcpu.Machine.Devices;

/// <summary>A 16550A serial port (8 ports): FIFOs, interrupts, modem lines and loopback. Transmission takes no time.</summary>
public sealed class Uart16550 : IDevice, IStateful
{
    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 8;

    const int FifoSize = 16;

    // Registers by offset.
    const int Data = 0, InterruptEnable = 1, InterruptIdentification = 2, LineControl = 3, ModemControl = 4, LineStatus = 5, ModemStatus = 6, Scratch = 7;

    const byte EnableReceived = 1, EnableTransmitterEmpty = 2, EnableLineStatus = 4, EnableModemStatus = 8, EnableMask = 0xF;
    const byte FifosEnabled = 1, ClearReceiver = 2;
    const byte NoInterrupt = 1, ModemInterrupt = 0, TransmitterInterrupt = 2, ReceiverInterrupt = 4, LineInterrupt = 6, TimeoutInterrupt = 12, FifoBits = 0xC0;
    const byte DivisorLatch = 0x80;
    const byte DataReady = 1, Overrun = 2, TransmitterEmpty = 0x60;
    const byte Dtr = 1, Rts = 2, Out1 = 4, Out2 = 8, Loopback = 0x10, ModemMask = 0x1F;
    const byte Cts = 0x10, Dsr = 0x20, Ring = 0x40, Carrier = 0x80;

    readonly Lock gate = new();
    readonly Queue<byte> received = new();
    readonly Action<byte> transmit;
    readonly Action<bool>? interrupt;
    byte enabled, lineControl = 3, modemControl, fifoControl, scratch, modemDelta;
    ushort divisor = 1;
    bool transmitterIsPending, overran, line;

    /// <summary>Creates a port.</summary>
    /// <param name="transmit">Gets each byte that the guest sends.</param>
    /// <param name="interrupt">Gets the level of the interrupt line whenever it changes.</param>
    public Uart16550(Action<byte> transmit, Action<bool>? interrupt = null)
    {
        ArgumentNullException.ThrowIfNull(transmit);
        this.transmit = transmit;
        this.interrupt = interrupt;
    }

    /// <summary>Bytes that have arrived and that the guest has not read.</summary>
    public int ReceivedCount
    {
        get
        {
            lock (gate)
            {
                return received.Count;
            }
        }
    }

    /// <summary>The divisor latch: 115200 divided by the baud rate.</summary>
    public int Divisor => divisor;

    /// <summary>A byte arrives on the line. From any thread. When the FIFO is full it is lost, as on the line.</summary>
    /// <param name="value">The byte.</param>
    public void Receive(byte value)
    {
        lock (gate)
        {
            Accept(value);
            Update();
        }
    }

    /// <summary>
    /// Where received bytes come from: asked whenever there is room and the guest is ready to receive (RTS), on the thread of the vCPU that has made room or the one that
    /// calls <see cref="DataArrived"/>; null when there is none at the moment.
    /// </summary>
    public Func<byte?>? Source { get; set; }

    /// <summary>The source has bytes again. From any thread.</summary>
    public void DataArrived()
    {
        lock (gate)
        {
            Update();
        }
    }

    int Capacity => (fifoControl & FifosEnabled) != 0 ? FifoSize : 1;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            for (int i = 0; i < data.Length; i++)
            {
                data[i] = ReadRegister((int)offset + i);
            }
            Update();
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            for (int i = 0; i < data.Length; i++)
            {
                WriteRegister((int)offset + i, data[i]);
            }
            Update();
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            state.Queue(received, FifoSize);
            state.Value(ref enabled);
            state.Value(ref lineControl);
            state.Value(ref modemControl);
            state.Value(ref fifoControl);
            state.Value(ref scratch);
            state.Value(ref modemDelta);
            state.Value(ref divisor);
            state.Value(ref transmitterIsPending);
            state.Value(ref overran);
            state.Value(ref line);
        }
    }

    byte ReadRegister(int offset)
    {
        switch (offset)
        {
            case Data when (lineControl & DivisorLatch) != 0:
                return (byte)divisor;
            case Data:
                return received.TryDequeue(out byte value) ? value : (byte)0;
            case InterruptEnable:
                return (lineControl & DivisorLatch) != 0 ? (byte)(divisor >> 8) : enabled;
            case InterruptIdentification:
                byte cause = Cause();
                transmitterIsPending &= cause != TransmitterInterrupt;
                return (byte)(cause | ((fifoControl & FifosEnabled) != 0 ? FifoBits : 0));
            case LineControl:
                return lineControl;
            case ModemControl:
                return modemControl;
            case LineStatus:
                byte status = (byte)(TransmitterEmpty | (received.Count > 0 ? DataReady : 0) | (overran ? Overrun : 0));
                overran = false;
                return status;
            case ModemStatus:
                byte lines = (byte)(Lines() | modemDelta);
                modemDelta = 0;
                return lines;
            default:
                return scratch;
        }
    }

    void WriteRegister(int offset, byte value)
    {
        switch (offset)
        {
            case Data when (lineControl & DivisorLatch) != 0:
                divisor = (ushort)(divisor & 0xFF00 | value);
                break;
            case Data:
                Send(value);
                break;
            case InterruptEnable when (lineControl & DivisorLatch) != 0:
                divisor = (ushort)(divisor & 0xFF | value << 8);
                break;
            case InterruptEnable:
                // Enabling the transmitter's interrupt raises it, because the transmitter is empty.
                transmitterIsPending |= (value & ~enabled & EnableTransmitterEmpty) != 0;
                enabled = (byte)(value & EnableMask);
                break;
            case InterruptIdentification:
                if ((value & ClearReceiver) != 0 || ((value ^ fifoControl) & FifosEnabled) != 0)
                {
                    received.Clear();
                }
                fifoControl = value;
                break;
            case LineControl:
                lineControl = value;
                break;
            case ModemControl:
                byte before = Lines();
                modemControl = (byte)(value & ModemMask);
                modemDelta |= (byte)((before ^ Lines()) >> 4);
                break;
            case Scratch:
                scratch = value;
                break;
        }
    }

    void Send(byte value)
    {
        if ((modemControl & Loopback) != 0)
        {
            Accept(value);
        }
        else
        {
            transmit(value);
        }
        transmitterIsPending = true;
    }

    void Accept(byte value)
    {
        if (received.Count < Capacity)
        {
            received.Enqueue(value);
        }
        else
        {
            overran = true;
        }
    }

    /// <summary>The modem's lines; in loopback the port's own outputs.</summary>
    byte Lines() => (modemControl & Loopback) == 0
        ? (byte)(Cts | Dsr | Carrier)
        : (byte)(((modemControl & Rts) != 0 ? Cts : 0) | ((modemControl & Dtr) != 0 ? Dsr : 0) | ((modemControl & Out1) != 0 ? Ring : 0) | ((modemControl & Out2) != 0 ? Carrier : 0));

    /// <summary>The most urgent cause of an interrupt.</summary>
    byte Cause()
    {
        if ((enabled & EnableLineStatus) != 0 && overran)
        {
            return LineInterrupt;
        }
        if ((enabled & EnableReceived) != 0 && received.Count > 0)
        {
            // Below the trigger level the time-out tells of the bytes; as no time passes here, it does so at once.
            bool isAtTrigger = (fifoControl & FifosEnabled) == 0 || received.Count >= Trigger();
            return isAtTrigger ? ReceiverInterrupt : TimeoutInterrupt;
        }
        if ((enabled & EnableTransmitterEmpty) != 0 && transmitterIsPending)
        {
            return TransmitterInterrupt;
        }
        return (enabled & EnableModemStatus) != 0 && modemDelta != 0 ? ModemInterrupt : NoInterrupt;
    }

    int Trigger() => (fifoControl >> 6) switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 };

    void Update()
    {
        while (received.Count < Capacity && (modemControl & (Rts | Loopback)) == Rts && Source?.Invoke() is { } value)
        {
            received.Enqueue(value);
        }
        // OUT2 gates the line of a PC's port, and loopback cuts it off.
        bool level = Cause() != NoInterrupt && (modemControl & Out2) != 0 && (modemControl & Loopback) == 0;
        if (level != line)
        {
            line = level;
            interrupt?.Invoke(level);
        }
    }
}
