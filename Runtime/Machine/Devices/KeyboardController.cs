namespace FastVcpu.Machine.Devices;

/// <summary>The 8042 keyboard controller of a PC (ports 60h and 64h) with a keyboard and a mouse that nobody touches, and the reset line.</summary>
public sealed class KeyboardController : IStateful
{
    /// <summary>Port of data and of status and commands.</summary>
    public const ushort DataPort = 0x60, CommandPort = 0x64;

    const byte OutputFull = 0x01, SystemFlag = 0x04, LastWasCommand = 0x08, NotLocked = 0x10, MouseOutput = 0x20;
    const byte KeyboardInterrupt = 0x01, MouseInterrupt = 0x02, KeyboardDisabled = 0x10, MouseDisabled = 0x20, Translates = 0x40;
    const byte ResetLine = 1, A20 = 2, OutputPortDefault = 0xCF;
    const byte SelfTestPassed = 0x55;
    const int MostWaiting = 64;

    readonly Lock gate = new();
    readonly VirtualMachine vm;
    readonly Action<bool>? keyboardInterrupt, mouseInterrupt;
    readonly Queue<(byte Value, bool IsMouse)> output = new();
    readonly Ps2Device keyboard = Ps2Device.Keyboard(), mouse = Ps2Device.Mouse();
    readonly byte[] memory = new byte[32];
    byte lastData, outputPort = OutputPortDefault;
    int pendingCommand = -1;
    bool lastWasCommand, isMouseData, keyboardLine, mouseLine;

    /// <summary>Creates the controller.</summary>
    /// <param name="vm">The machine that the reset line resets.</param>
    /// <param name="keyboardInterrupt">Gets the level of interrupt line 1 whenever it changes.</param>
    /// <param name="mouseInterrupt">Gets the level of interrupt line 12 whenever it changes.</param>
    public KeyboardController(VirtualMachine vm, Action<bool>? keyboardInterrupt = null, Action<bool>? mouseInterrupt = null)
    {
        ArgumentNullException.ThrowIfNull(vm);
        this.vm = vm;
        this.keyboardInterrupt = keyboardInterrupt;
        this.mouseInterrupt = mouseInterrupt;
        memory[0] = KeyboardInterrupt | MouseInterrupt | SystemFlag | Translates;
        Data = new DataRegister(this);
        Command = new CommandRegister(this);
    }

    /// <summary>What is behind <see cref="DataPort"/>.</summary>
    public IDevice Data { get; }

    /// <summary>What is behind <see cref="CommandPort"/>.</summary>
    public IDevice Command { get; }

    /// <summary>Somebody types: scan codes of set 1 arrive from the keyboard. From any thread.</summary>
    /// <param name="scanCodes">The codes; lost when the controller is full.</param>
    public void Type(ReadOnlySpan<byte> scanCodes)
    {
        lock (gate)
        {
            foreach (byte code in scanCodes)
            {
                Put(code, isMouse: false);
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
            TransferOutput(state);
            state.Part(keyboard);
            state.Part(mouse);
            state.Bytes(memory);
            state.Value(ref lastData);
            state.Value(ref outputPort);
            state.Value(ref pendingCommand, -1, byte.MaxValue);
            state.Value(ref lastWasCommand);
            state.Value(ref isMouseData);
            state.Value(ref keyboardLine);
            state.Value(ref mouseLine);
        }
    }

    void TransferOutput(StateTransfer state)
    {
        (byte Value, bool IsMouse)[] waiting = [.. output];
        int count = state.Count(waiting.Length, MostWaiting);
        output.Clear();
        for (int i = 0; i < count; i++)
        {
            (byte value, bool isMouse) = i < waiting.Length ? waiting[i] : default;
            output.Enqueue((state.Value(value), state.Value(isMouse)));
        }
    }

    byte ReadData()
    {
        if (output.TryDequeue(out (byte Value, bool IsMouse) next))
        {
            (lastData, isMouseData) = next;
        }
        // The line falls between two bytes.
        SetLines(false, false);
        Update();
        return lastData;
    }

    byte ReadStatus()
    {
        bool isMouse = output.TryPeek(out (byte Value, bool IsMouse) next) ? next.IsMouse : isMouseData;
        return (byte)(NotLocked | memory[0] & SystemFlag | (output.Count > 0 ? OutputFull : 0) | (lastWasCommand ? LastWasCommand : 0) | (isMouse ? MouseOutput : 0));
    }

    void WriteCommand(byte command)
    {
        lastWasCommand = true;
        pendingCommand = -1;
        switch (command)
        {
            case >= 0x20 and <= 0x3F:
                Put(memory[command & 0x1F], false);
                break;
            case >= 0x60 and <= 0x7F or 0xD1 or 0xD2 or 0xD3 or 0xD4:
                pendingCommand = command;
                break;
            case 0xA7:
                memory[0] |= MouseDisabled;
                break;
            case 0xA8:
                memory[0] &= unchecked((byte)~MouseDisabled);
                break;
            case 0xA9 or 0xAB:
                Put(0, false);
                break;
            case 0xAA:
                memory[0] |= SystemFlag;
                Put(SelfTestPassed, false);
                break;
            case 0xAD:
                memory[0] |= KeyboardDisabled;
                break;
            case 0xAE:
                memory[0] &= unchecked((byte)~KeyboardDisabled);
                break;
            case 0xC0:
                Put(0x80, false);
                break;
            case 0xD0:
                Put(outputPort, false);
                break;
            case >= 0xF0 when (command & ResetLine) == 0:
                vm.RequestSystemEvent(SystemEventType.Reset);
                break;
        }
        Update();
    }

    void WriteData(byte value)
    {
        lastWasCommand = false;
        int command = pendingCommand;
        pendingCommand = -1;
        switch (command)
        {
            case >= 0x60 and <= 0x7F:
                memory[command & 0x1F] = value;
                break;
            case 0xD1:
                outputPort = (byte)(value | A20);
                if ((value & ResetLine) == 0)
                {
                    vm.RequestSystemEvent(SystemEventType.Reset);
                }
                break;
            case 0xD2:
                Put(value, false);
                break;
            case 0xD3:
                Put(value, true);
                break;
            case 0xD4:
                memory[0] &= unchecked((byte)~MouseDisabled);
                Answer(mouse, value, true);
                break;
            default:
                memory[0] &= unchecked((byte)~KeyboardDisabled);
                Answer(keyboard, value, false);
                break;
        }
        Update();
    }

    void Answer(Ps2Device device, byte value, bool isMouse)
    {
        foreach (byte answer in device.Receive(value))
        {
            Put(answer, isMouse);
        }
    }

    void Put(byte value, bool isMouse)
    {
        if (output.Count < MostWaiting)
        {
            output.Enqueue((value, isMouse));
        }
    }

    void Update()
    {
        bool isFull = output.TryPeek(out (byte Value, bool IsMouse) next);
        SetLines(isFull && !next.IsMouse && (memory[0] & KeyboardInterrupt) != 0, isFull && next.IsMouse && (memory[0] & MouseInterrupt) != 0);
    }

    void SetLines(bool keyboardLevel, bool mouseLevel)
    {
        if (keyboardLevel != keyboardLine)
        {
            keyboardLine = keyboardLevel;
            keyboardInterrupt?.Invoke(keyboardLevel);
        }
        if (mouseLevel != mouseLine)
        {
            mouseLine = mouseLevel;
            mouseInterrupt?.Invoke(mouseLevel);
        }
    }

    sealed class DataRegister(KeyboardController controller) : IDevice
    {
        public void Read(ulong offset, Span<byte> data)
        {
            lock (controller.gate)
            {
                data[0] = controller.ReadData();
            }
        }

        public void Write(ulong offset, ReadOnlySpan<byte> data)
        {
            lock (controller.gate)
            {
                controller.WriteData(data[0]);
            }
        }
    }

    sealed class CommandRegister(KeyboardController controller) : IDevice
    {
        public void Read(ulong offset, Span<byte> data)
        {
            lock (controller.gate)
            {
                data[0] = controller.ReadStatus();
            }
        }

        public void Write(ulong offset, ReadOnlySpan<byte> data)
        {
            lock (controller.gate)
            {
                controller.WriteCommand(data[0]);
            }
        }
    }
}
