namespace FastVcpu.Machine.Devices;

/// <summary>The MC146818 clock of a PC with its battery-backed memory (ports 70h and 71h). It keeps the time of the machine's <see cref="Clock"/>.</summary>
public sealed class RealTimeClock : IDevice, IStateful
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0x70;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 2;

    const int Seconds = 0, SecondsAlarm = 1, Minutes = 2, MinutesAlarm = 3, Hours = 4, HoursAlarm = 5, DayOfWeek = 6, Day = 7, Month = 8, Year = 9;
    const int ControlA = 10, ControlB = 11, ControlC = 12, ControlD = 13, Century = 0x32, Size = 128;
    const byte UpdateInProgress = 0x80, RateMask = 0x0F, StandardDivider = 0x26;
    const byte Halt = 0x80, PeriodicInterrupt = 0x40, AlarmInterrupt = 0x20, UpdateInterrupt = 0x10, IsBinary = 4, Is24Hours = 2;
    const byte ResetControl = 0x87;
    const byte InterruptFlag = 0x80, FlagMask = 0x70, ValidTime = 0x80, Afternoon = 0x80, AnyValue = 0xC0;

    const long Second = Clock.NanosecondsPerSecond, UpdateTime = 2_228_000;
    const int BaseFrequency = 32768, SecondsPerDay = 86400;

    readonly Lock gate = new();
    readonly Clock clock;
    readonly Action<bool>? interrupt;
    readonly ClockTimer timer;
    readonly byte[] memory = new byte[Size];

    /// <summary>The time at the clock's zero, in nanoseconds since the epoch of <see cref="DateTime"/>; what is before it is not counted.</summary>
    Int128 origin;
    long lastLook;
    int index;
    bool line;

    /// <summary>Creates a clock.</summary>
    /// <param name="clock">The machine's time.</param>
    /// <param name="start">What it shows now.</param>
    /// <param name="interrupt">Gets the level of the interrupt line whenever it changes.</param>
    public RealTimeClock(Clock clock, DateTime start, Action<bool>? interrupt = null)
    {
        ArgumentNullException.ThrowIfNull(clock);
        this.clock = clock;
        this.interrupt = interrupt;
        lastLook = clock.Now;
        origin = (Int128)start.Ticks * 100 - lastLook;
        memory[ControlA] = StandardDivider;
        memory[ControlB] = Is24Hours;
        timer = clock.CreateTimer(Look);
    }

    /// <summary>A byte of the battery-backed memory, as firmware finds it.</summary>
    /// <param name="register">14 to 127.</param>
    public byte this[int register]
    {
        get
        {
            lock (gate)
            {
                return memory[register];
            }
        }
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(register, ControlD);
            lock (gate)
            {
                memory[register] = value;
            }
        }
    }

    /// <summary>The RESET pin: no interrupts are enabled, and none waits. Time, alarm and memory stay.</summary>
    public void Reset()
    {
        lock (gate)
        {
            CollectFlags();
            memory[ControlB] &= ResetControl;
            memory[ControlC] = 0;
            Update();
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            data.Fill(0xFF);
            if (offset == 1)
            {
                data[0] = ReadRegister();
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            if (offset == 0)
            {
                index = data[0] & (Size - 1);
                data = data[1..];
            }
            if (!data.IsEmpty)
            {
                WriteRegister(data[0]);
            }
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            state.Bytes(memory);
            state.Value(ref origin);
            state.Value(ref lastLook, 0, clock.Now);
            state.Value(ref index, 0, Size - 1);
            state.Value(ref line);
            state.Timer(timer);
            state.Require(origin + lastLook >= 0 && origin <= (Int128)DateTime.MaxValue.Ticks * 100);
        }
    }

    bool IsHalted => (memory[ControlB] & Halt) != 0;

    byte ReadRegister()
    {
        switch (index)
        {
            case <= Year or Century:
                ShowTime();
                return memory[index];
            case ControlA:
                bool isUpdating = !IsHalted && (long)((origin + clock.Now) % Second) >= Second - UpdateTime;
                return (byte)(memory[ControlA] | (isUpdating ? UpdateInProgress : 0));
            case ControlC:
                CollectFlags();
                byte flags = memory[ControlC];
                memory[ControlC] = 0;
                Update();
                return flags;
            case ControlD:
                return ValidTime;
            default:
                return memory[index];
        }
    }

    void WriteRegister(byte value)
    {
        switch (index)
        {
            case SecondsAlarm or MinutesAlarm or HoursAlarm:
                CollectFlags();
                memory[index] = value;
                break;
            case <= Year or Century:
                ShowTime();
                memory[index] = value;
                TakeTime();
                break;
            case ControlA:
                CollectFlags();
                memory[ControlA] = (byte)(value & ~UpdateInProgress);
                break;
            case ControlB:
                CollectFlags();
                ShowTime();
                bool starts = IsHalted && (value & Halt) == 0;
                memory[ControlB] = value;
                if (starts)
                {
                    TakeTime();
                }
                break;
            case ControlC or ControlD:
                return;
            default:
                memory[index] = value;
                return;
        }
        Update();
    }

    /// <summary>Writes the time into its registers, unless the guest is setting them.</summary>
    void ShowTime()
    {
        if (IsHalted)
        {
            return;
        }
        DateTime time = new((long)((origin + clock.Now) / 100 % DateTime.MaxValue.Ticks));
        memory[Seconds] = Encode(time.Second);
        memory[Minutes] = Encode(time.Minute);
        memory[Hours] = EncodeHour(time.Hour);
        memory[DayOfWeek] = Encode((int)time.DayOfWeek + 1);
        memory[Day] = Encode(time.Day);
        memory[Month] = Encode(time.Month);
        memory[Year] = Encode(time.Year % 100);
        memory[Century] = Encode(time.Year / 100);
    }

    /// <summary>The registers are the time from now on. Ones that are no date count as the nearest that is.</summary>
    void TakeTime()
    {
        if (IsHalted)
        {
            return;
        }
        int year = Math.Clamp(Decode(memory[Century]) * 100 + Decode(memory[Year]), 1, 9999), month = Math.Clamp(Decode(memory[Month]), 1, 12);
        DateTime time = new(
            year, month, Math.Clamp(Decode(memory[Day]), 1, DateTime.DaysInMonth(year, month)),
            Math.Min(DecodeHour(memory[Hours]), 23), Math.Min(Decode(memory[Minutes]), 59), Math.Min(Decode(memory[Seconds]), 59));
        lastLook = clock.Now;
        origin = (Int128)time.Ticks * 100 - lastLook;
    }

    byte Encode(int value) => (memory[ControlB] & IsBinary) != 0 ? (byte)value : (byte)(value / 10 << 4 | value % 10);

    int Decode(byte value) => (memory[ControlB] & IsBinary) != 0 ? value : (value >> 4) * 10 + (value & 15);

    byte EncodeHour(int hour) => (memory[ControlB] & Is24Hours) != 0 ? Encode(hour) : (byte)(Encode((hour + 11) % 12 + 1) | (hour >= 12 ? Afternoon : 0));

    int DecodeHour(byte value) => (memory[ControlB] & Is24Hours) != 0 ? Decode(value) : Decode((byte)(value & ~Afternoon)) % 12 + ((value & Afternoon) != 0 ? 12 : 0);

    /// <summary>Time between two periodic interrupts, 0 for none. The two fastest rates are those of slower dividers.</summary>
    long Period => (memory[ControlA] & RateMask) switch
    {
        0 => 0,
        var rate and < 3 => Second * (1 << (rate + 6)) / BaseFrequency,
        var rate => Second * (1 << (rate - 1)) / BaseFrequency,
    };

    /// <summary>Finds out what has happened since the last look.</summary>
    void CollectFlags()
    {
        long now = clock.Now, before = lastLook;
        lastLook = now;
        if (Period is var period and not 0 && now / period != before / period)
        {
            memory[ControlC] |= PeriodicInterrupt;
        }
        Int128 second = (origin + now) / Second, last = (origin + before) / Second;
        if (IsHalted || second == last)
        {
            return;
        }
        memory[ControlC] |= UpdateInterrupt;
        for (Int128 at = Int128.Max(last + 1, second - SecondsPerDay + 1); at <= second; at++)
        {
            if (IsAlarm((int)(at % SecondsPerDay)))
            {
                memory[ControlC] |= AlarmInterrupt;
                break;
            }
        }
    }

    bool IsAlarm(int second) =>
        (memory[SecondsAlarm] >= AnyValue || memory[SecondsAlarm] == Encode(second % 60))
        && (memory[MinutesAlarm] >= AnyValue || memory[MinutesAlarm] == Encode(second / 60 % 60))
        && (memory[HoursAlarm] >= AnyValue || memory[HoursAlarm] == EncodeHour(second / 3600));

    /// <summary>Something may have happened.</summary>
    void Look()
    {
        lock (gate)
        {
            CollectFlags();
            Update();
        }
    }

    void Update()
    {
        bool level = (memory[ControlC] & memory[ControlB] & FlagMask) != 0;
        memory[ControlC] = (byte)(memory[ControlC] & FlagMask | (level ? InterruptFlag : 0));
        SetTimer();
        if (level != line)
        {
            line = level;
            interrupt?.Invoke(level);
        }
    }

    /// <summary>Looks again when the next interrupt can be due. While one waits for the guest there is nothing to be seen.</summary>
    void SetTimer()
    {
        long now = clock.Now, next = long.MaxValue;
        if ((memory[ControlB] & PeriodicInterrupt) != 0 && Period is var period and not 0)
        {
            next = (now / period + 1) * period;
        }
        if ((memory[ControlB] & (UpdateInterrupt | AlarmInterrupt)) != 0 && !IsHalted)
        {
            next = Math.Min(next, now + Second - (long)((origin + now) % Second));
        }
        if (next == long.MaxValue || (memory[ControlC] & InterruptFlag) != 0)
        {
            timer.Cancel();
        }
        else
        {
            timer.Set(next);
        }
    }
}
