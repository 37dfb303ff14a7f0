namespace FastVcpu.Interrupts;

/// <summary>The 8254 of a PC at ports 40h to 43h: counter 0 interrupts, counter 2 can be gated and read through port 61h.</summary>
sealed class Pit : BytePorts, IDisposable, IStateful
{
    public const ushort FirstPort = 0x40, SpeakerPort = 0x61;
    public const int PortCount = 4, Channels = 3;

    /// <summary>Clock pulses a second.</summary>
    public const long Frequency = 1_193_182;

    const int ControlPort = 3, ReadBack = 3, SpeakerChannel = 2;
    const int ReadBackKeepsCount = 0x20, ReadBackKeepsStatus = 0x10;

    // Port 61h.
    const byte GateBit = 1, SpeakerBit = 2, RefreshBit = 0x10, OutputBit = 0x20;
    const long RefreshPeriod = 15_085;

    readonly Lock gate = new();
    readonly Clock clock;
    readonly Action<bool> interrupt;
    readonly ClockTimer timer;
    readonly PitChannel[] channels = [new(), new(), new()];
    byte speakerControl;

    /// <summary>Creates the timer.</summary>
    /// <param name="clock">Its time.</param>
    /// <param name="interrupt">
    /// Gets the output of counter 0: false and then true when counting makes it rise, and false when programming makes it low. That a new mode makes it high is not told, because
    /// nobody expects that interrupt.
    /// </param>
    public Pit(Clock clock, Action<bool> interrupt)
        : base(PortCount)
    {
        this.clock = clock;
        this.interrupt = interrupt;
        timer = clock.CreateTimer(Elapse);
        channels[SpeakerChannel].SetGate(false, 0);
        Speaker = new SpeakerControl(this);
    }

    /// <summary>Port 61h.</summary>
    public IDevice Speaker { get; }

    public PitState State
    {
        get
        {
            lock (gate)
            {
                return new PitState { Channels = [.. channels.Select(channel => channel.State)], SpeakerControl = speakerControl };
            }
        }
        set
        {
            lock (gate)
            {
                for (int i = 0; i < Channels; i++)
                {
                    channels[i].State = value.Channels[i];
                }
                speakerControl = (byte)(value.SpeakerControl & (GateBit | SpeakerBit));
                Schedule(Pulse);
            }
        }
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        lock (gate)
        {
            foreach (PitChannel channel in channels)
            {
                channel.Transfer(state);
            }
            state.Value(ref speakerControl);
            state.Timer(timer);
        }
    }

    /// <summary>The time in clock pulses.</summary>
    long Pulse => PulseAt(clock.Now);

    public void Dispose() => timer.Cancel();

    protected override byte Read(int port)
    {
        lock (gate)
        {
            return port == ControlPort ? (byte)0xFF : channels[port].Read(Pulse);
        }
    }

    protected override void Write(int port, byte value)
    {
        bool output;
        lock (gate)
        {
            long now = Pulse;
            int channel = port == ControlPort ? value >> 6 : port;
            if (port != ControlPort)
            {
                channels[port].Write(value, now);
            }
            else if (channel == ReadBack)
            {
                Latch(value, now);
            }
            else
            {
                channels[channel].Control(value, now);
            }
            if (channel != 0)
            {
                return;
            }
            Schedule(now);
            output = channels[0].GetOutput(now);
        }
        if (!output)
        {
            interrupt(false);
        }
    }

    void Latch(byte command, long now)
    {
        for (int i = 0; i < Channels; i++)
        {
            if ((command >> (i + 1) & 1) == 0)
            {
                continue;
            }
            if ((command & ReadBackKeepsCount) == 0)
            {
                channels[i].LatchCount(now);
            }
            if ((command & ReadBackKeepsStatus) == 0)
            {
                channels[i].LatchStatus(now);
            }
        }
    }

    /// <summary>The output of counter 0 rises.</summary>
    void Elapse()
    {
        lock (gate)
        {
            long now = clock.Now;
            Schedule(Math.Max(PulseAt(now), PulseAt(now + clock.ShortestPeriod) - 1));
        }
        interrupt(false);
        interrupt(true);
    }

    void Schedule(long after)
    {
        long rise = channels[0].NextRise(after);
        if (rise == PitChannel.Never)
        {
            timer.Cancel();
        }
        else
        {
            timer.Set((long)(((Int128)rise * Clock.NanosecondsPerSecond + Frequency - 1) / Frequency));
        }
    }

    static long PulseAt(long time) => (long)((Int128)time * Frequency / Clock.NanosecondsPerSecond);

    sealed class SpeakerControl(Pit pit) : BytePorts(1)
    {
        protected override byte Read(int port)
        {
            lock (pit.gate)
            {
                bool output = pit.channels[SpeakerChannel].GetOutput(pit.Pulse), refresh = (pit.clock.Now / RefreshPeriod & 1) != 0;
                return (byte)(pit.speakerControl | (refresh ? RefreshBit : 0) | (output ? OutputBit : 0));
            }
        }

        protected override void Write(int port, byte value)
        {
            lock (pit.gate)
            {
                pit.speakerControl = (byte)(value & (GateBit | SpeakerBit));
                pit.channels[SpeakerChannel].SetGate((value & GateBit) != 0, pit.Pulse);
            }
        }
    }
}
