using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices;

/// <summary>ACPI's fixed hardware (ACPI 6.5, 4.8): event and control registers PM1a and the power management timer. Sleep state S5 switches the machine off.</summary>
public sealed class PowerManagement : IDevice, IStateful
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0x600;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 16;

    /// <summary>Offsets of the registers: event status and enable, control, and timer.</summary>
    public const int EventBlock = 0, ControlBlock = 4, TimerBlock = 8;

    /// <summary>The value of SLP_TYP that means S5.</summary>
    public const byte SoftOffType = 5;

    const int RegisterBytes = 12, Enable = 2;
    const ushort TimerStatus = 1, PowerButtonStatus = 0x100, StatusMask = 0x8D31, EnableMask = 0x0721, SciEnable = 1, SleepEnable = 1 << 13, ControlMask = 0x1C07;
    const int SleepTypeShift = 10, SleepTypeMask = 7;
    const uint TimerFrequency = 3579545, TimerSign = 1u << 31;

    readonly Lock gate = new();
    readonly VirtualMachine vm;
    readonly Action<bool>? interrupt;
    readonly ClockTimer timer;
    ushort status, enable, control = SciEnable;
    bool timerSign, line;

    /// <summary>Creates the registers.</summary>
    /// <param name="vm">The machine that they switch off, and whose clock the timer counts.</param>
    /// <param name="interrupt">Gets the level of the system control interrupt whenever it changes.</param>
    public PowerManagement(VirtualMachine vm, Action<bool>? interrupt = null)
    {
        ArgumentNullException.ThrowIfNull(vm);
        this.vm = vm;
        this.interrupt = interrupt;
        timer = vm.Clock.CreateTimer(Look);
    }

    /// <summary>Somebody presses the power button: the guest is asked to switch itself off. From any thread.</summary>
    public void PressPowerButton()
    {
        lock (gate)
        {
            status |= PowerButtonStatus;
            Update();
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            Update();
            Span<byte> registers = stackalloc byte[RegisterBytes];
            BinaryPrimitives.WriteUInt16LittleEndian(registers, status);
            BinaryPrimitives.WriteUInt16LittleEndian(registers[Enable..], enable);
            BinaryPrimitives.WriteUInt16LittleEndian(registers[ControlBlock..], control);
            BinaryPrimitives.WriteUInt32LittleEndian(registers[TimerBlock..], Timer);
            for (int i = 0; i < data.Length && (int)offset + i < RegisterBytes; i++)
            {
                data[i] = registers[(int)offset + i];
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            for (int i = 0; i < data.Length; i++)
            {
                WriteByte((int)offset + i, data[i]);
            }
            if (offset <= ControlBlock + 1 && (int)offset + data.Length > ControlBlock + 1 && (data[ControlBlock + 1 - (int)offset] << 8 & SleepEnable) != 0)
            {
                Sleep();
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
            state.Value(ref status);
            state.Value(ref enable);
            state.Value(ref control);
            state.Value(ref timerSign);
            state.Value(ref line);
            state.Timer(timer);
        }
    }

    uint Timer => (uint)((UInt128)vm.Clock.Now * TimerFrequency / (ulong)Clock.NanosecondsPerSecond);

    void WriteByte(int register, byte value)
    {
        switch (register)
        {
            case EventBlock or EventBlock + 1:
                // Bits are cleared by writing ones.
                status &= (ushort)~(value << 8 * (register - EventBlock));
                break;
            case Enable or Enable + 1:
                enable = (ushort)(Merge(enable, register - Enable, value) & EnableMask);
                break;
            case ControlBlock or ControlBlock + 1:
                control = (ushort)(Merge(control, register - ControlBlock, value) & ControlMask | SciEnable);
                break;
        }
    }

    static int Merge(ushort old, int part, byte value) => old & ~(0xFF << 8 * part) | value << 8 * part;

    /// <summary>There is no state to sleep in but off.</summary>
    void Sleep()
    {
        if ((control >> SleepTypeShift & SleepTypeMask) == SoftOffType)
        {
            vm.RequestSystemEvent(SystemEventType.Shutdown);
        }
    }

    void Look()
    {
        lock (gate)
        {
            Update();
        }
    }

    void Update()
    {
        bool sign = (Timer & TimerSign) != 0;
        status |= sign != timerSign ? TimerStatus : (ushort)0;
        status &= StatusMask;
        timerSign = sign;
        if ((enable & TimerStatus) != 0)
        {
            ulong left = TimerSign - (Timer & (TimerSign - 1));
            timer.Set(vm.Clock.Now + (long)(left * (ulong)Clock.NanosecondsPerSecond / TimerFrequency) + 1);
        }
        else
        {
            timer.Cancel();
        }
        bool level = (status & enable) != 0;
        if (level != line)
        {
            line = level;
            interrupt?.Invoke(level);
        }
    }
}
