namespace FastVcpu.Interrupts;

/// <summary>
/// One counter of an 8254 (data sheet 231164). Nothing counts here: output and count are functions of the time, in clock pulses, since the count was loaded. Its owner
/// holds the lock.
/// </summary>
sealed class PitChannel
{
    public const long Never = long.MaxValue;

    /// <summary>What a clock that goes as long as a <see cref="Clock"/> can comes to, at least.</summary>
    const long Latest = Clock.Latest >> 9;

    const int TerminalCount = 0, OneShot = 1, RateGenerator = 2, SquareWave = 3, SoftwareStrobe = 4;
    const int LowByte = 1, HighByte = 2, BothBytes = 3;
    const int BinaryRange = 0x10000, DecimalRange = 10000;

    PitChannelState s = new() { Access = BothBytes, LoadedAt = Never, StoppedAt = Never, Count = BinaryRange, Gate = true };

    public PitChannelState State
    {
        get => s;
        set => s = value with { Count = Math.Clamp(value.Count, 1, BinaryRange), NextCount = Math.Clamp(value.NextCount, 0, BinaryRange), Mode = (byte)(value.Mode % 6) };
    }

    public bool Gate => s.Gate;

    /// <summary>Passes everything through.</summary>
    public void Transfer(StateTransfer state)
    {
        s.Mode = state.Value(s.Mode);
        s.IsBcd = state.Value(s.IsBcd);
        s.Access = state.Value(s.Access);
        s.Gate = state.Value(s.Gate);
        s.Count = state.Value(s.Count);
        s.NextCount = state.Value(s.NextCount);
        s.NextCountAt = state.Value(s.NextCountAt);
        s.LoadedAt = state.Value(s.LoadedAt);
        s.IsRetriggered = state.Value(s.IsRetriggered);
        s.StoppedAt = state.Value(s.StoppedAt);
        s.WritesHigh = state.Value(s.WritesHigh);
        s.WrittenLow = state.Value(s.WrittenLow);
        s.ReadsHigh = state.Value(s.ReadsHigh);
        s.LatchedCount = state.Value(s.LatchedCount);
        s.LatchedStatus = state.Value(s.LatchedStatus);
        state.Require(s is { Mode: < 6, Access: < 4, Count: >= 1 and <= BinaryRange, NextCount: >= 0 and <= BinaryRange }
            && IsTime(s.NextCountAt) && IsTime(s.LoadedAt) && IsTime(s.StoppedAt));
    }

    bool IsLoaded => s.LoadedAt != Never;

    /// <summary>Counts again and again.</summary>
    bool IsPeriodic => s.Mode is RateGenerator or SquareWave;

    /// <summary>Counts after a rising edge of the gate only.</summary>
    bool IsTriggered => s.Mode is not (TerminalCount or SoftwareStrobe) && !IsPeriodic;

    int Range => s.IsBcd ? DecimalRange : BinaryRange;

    int HighPulses => (s.Count + 1) / 2;

    /// <summary>A control word for this counter: mode and access, or a latch command.</summary>
    public void Control(byte value, long now)
    {
        int access = value >> 4 & 3;
        if (access == 0)
        {
            LatchCount(now);
            return;
        }
        int mode = value >> 1 & 7;
        s = new PitChannelState
        {
            Access = (byte)access,
            Mode = (byte)(mode > 5 ? mode - 4 : mode),
            IsBcd = (value & 1) != 0,
            Gate = s.Gate,
            LoadedAt = Never,
            StoppedAt = Never,
            Count = s.Count,
        };
    }

    public void LatchCount(long now) => s.LatchedCount ??= Encoded(now);

    public void LatchStatus(long now)
    {
        const int Output = 7, NullCount = 6, Access = 4, Mode = 1;
        Settle(now);
        bool isNull = !IsLoaded || s.NextCount != 0 || now < s.LoadedAt;
        s.LatchedStatus ??= (byte)((GetOutput(now) ? 1 << Output : 0) | (isNull ? 1 << NullCount : 0) | s.Access << Access | s.Mode << Mode | (s.IsBcd ? 1 : 0));
    }

    public byte Read(long now)
    {
        if (s.LatchedStatus is { } status)
        {
            s.LatchedStatus = null;
            return status;
        }
        ushort count = s.LatchedCount ?? Encoded(now);
        bool isHigh = s.Access == HighByte || (s.Access == BothBytes && s.ReadsHigh);
        if (s.Access != BothBytes || s.ReadsHigh)
        {
            s.LatchedCount = null;
        }
        s.ReadsHigh = s.Access == BothBytes && !s.ReadsHigh;
        return (byte)(isHigh ? count >> 8 : count);
    }

    public void Write(byte value, long now)
    {
        if (s.Access == BothBytes && !s.WritesHigh)
        {
            (s.WrittenLow, s.WritesHigh) = (value, true);
            // The first byte stops mode 0 and sets its output low.
            s.LoadedAt = s.Mode == TerminalCount ? Never : s.LoadedAt;
            return;
        }
        s.WritesHigh = false;
        ushort count = s.Access switch { LowByte => value, HighByte => (ushort)(value << 8), _ => (ushort)(value << 8 | s.WrittenLow) };
        SetCount(Decode(count), now);
    }

    /// <summary>The gate input.</summary>
    public void SetGate(bool level, long now)
    {
        if (level == s.Gate)
        {
            return;
        }
        Settle(now);
        s.Gate = level;
        if (!level)
        {
            s.StoppedAt = IsTriggered ? Never : now;
        }
        else if (IsTriggered)
        {
            s.IsRetriggered = !GetOutput(now);
            if (s.NextCount != 0)
            {
                Load(s.NextCount, now + 1);
            }
            else if (IsLoaded)
            {
                s.LoadedAt = now + 1;
            }
        }
        else
        {
            s.LoadedAt = !IsLoaded ? Never : IsPeriodic ? now + 1 : s.LoadedAt + (now - s.StoppedAt);
            s.StoppedAt = Never;
        }
    }

    /// <summary>The OUT pin.</summary>
    public bool GetOutput(long now)
    {
        Settle(now);
        long elapsed = Elapsed(now);
        if (!IsLoaded)
        {
            return s.Mode != TerminalCount;
        }
        return s.Mode switch
        {
            TerminalCount => elapsed >= s.Count,
            OneShot => elapsed < 0 ? !s.IsRetriggered : elapsed >= s.Count,
            RateGenerator => !s.Gate || elapsed < 0 || elapsed % s.Count != s.Count - 1,
            SquareWave => !s.Gate || elapsed < 0 || elapsed % s.Count < HighPulses,
            _ => elapsed != s.Count,
        };
    }

    /// <summary>The next pulse after <paramref name="now"/> at which OUT goes from low to high, as things stand.</summary>
    public long NextRise(long now)
    {
        Settle(now);
        if (!IsLoaded || s.StoppedAt != Never)
        {
            return Never;
        }
        long rise = s.Mode switch
        {
            TerminalCount or OneShot => s.LoadedAt + s.Count,
            SquareWave when s.NextCount != 0 && SwitchesInPeriod => s.NextCountAt + s.NextCount / 2,
            RateGenerator or SquareWave => s.LoadedAt + Math.Max(1, (now - s.LoadedAt) / s.Count + 1) * s.Count,
            _ => s.LoadedAt + s.Count + 1,
        };
        return rise > now ? rise : Never;
    }

    static bool IsTime(long pulse) => pulse is Never or (>= 0 and <= Latest);

    void SetCount(int count, long now)
    {
        Settle(now);
        if (IsTriggered || (IsPeriodic && IsLoaded && s.Gate && now >= s.LoadedAt))
        {
            s.NextCount = count;
            s.NextCountAt = IsTriggered ? Never : EndOfPeriod(now);
            return;
        }
        Load(count, now + 1);
        s.StoppedAt = s.Gate ? Never : now + 1;
    }

    void Load(int count, long when) => (s.Count, s.LoadedAt, s.NextCount) = (count, when, 0);

    /// <summary>A new count of a periodic mode begins at the end of the period, or of the half of a square wave, in which it was written.</summary>
    void Settle(long now)
    {
        if (s.NextCount != 0 && IsPeriodic && now >= s.NextCountAt)
        {
            Load(s.NextCount, SwitchesInPeriod ? s.NextCountAt - (s.NextCount + 1) / 2 : s.NextCountAt);
        }
    }

    /// <summary>The next count begins with the low half of a square wave.</summary>
    bool SwitchesInPeriod => (s.NextCountAt - s.LoadedAt) % s.Count != 0;

    /// <summary>When a count that is written now begins.</summary>
    long EndOfPeriod(long now)
    {
        long phase = (now - s.LoadedAt) % s.Count;
        return now - phase + (s.Mode == SquareWave && phase < HighPulses ? HighPulses : s.Count);
    }

    long Elapsed(long now) => Math.Min(now, s.StoppedAt) - s.LoadedAt;

    /// <summary>The counting element.</summary>
    int GetCount(long now)
    {
        Settle(now);
        long elapsed = IsLoaded ? Math.Max(0, Elapsed(now)) : 0;
        switch (s.Mode)
        {
            case RateGenerator:
                return (int)(s.Count - elapsed % s.Count);
            case SquareWave:
                long phase = elapsed % s.Count;
                return (int)((s.Count & ~1) - 2 * (phase < HighPulses ? phase : phase - HighPulses));
            default:
                return (int)(((s.Count - elapsed) % Range + Range) % Range);
        }
    }

    ushort Encoded(long now)
    {
        int count = GetCount(now) % Range;
        return (ushort)(s.IsBcd ? count / 1000 << 12 | count / 100 % 10 << 8 | count / 10 % 10 << 4 | count % 10 : count);
    }

    int Decode(ushort value)
    {
        int count = s.IsBcd ? (value >> 12) * 1000 + (value >> 8 & 0xF) * 100 + (value >> 4 & 0xF) * 10 + (value & 0xF) : value;
        return count == 0 ? Range : count;
    }
}
