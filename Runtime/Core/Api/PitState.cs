namespace FastVcpu;

/// <summary>The state of the 8254 timer and of port 61h (<c>struct kvm_pit_state2</c>).</summary>
public record struct PitState
{
    /// <summary>The three counters.</summary>
    public PitChannelState[] Channels { get; set; }

    /// <summary>The two writable bits of port 61h: gate of counter 2, speaker.</summary>
    public byte SpeakerControl { get; set; }
}

/// <summary>The state of one counter of the 8254. Times are numbers of clock pulses (1 193 182 a second) since the clock of the machine was zero.</summary>
public record struct PitChannelState
{
    /// <summary>Mode 0 to 5.</summary>
    public byte Mode { get; set; }

    /// <summary>It counts in decimal.</summary>
    public bool IsBcd { get; set; }

    /// <summary>Bytes that are read and written: 1 low, 2 high, 3 low then high.</summary>
    public byte Access { get; set; }

    /// <summary>Level of the gate.</summary>
    public bool Gate { get; set; }

    /// <summary>The count that runs, 1 to 65536.</summary>
    public int Count { get; set; }

    /// <summary>The count that is loaded at the next trigger or at the end of a period; 0 when there is none.</summary>
    public int NextCount { get; set; }

    /// <summary>When a periodic mode loads <see cref="NextCount"/>.</summary>
    public long NextCountAt { get; set; }

    /// <summary>When the count was loaded; <see cref="long.MaxValue"/> when it has not been.</summary>
    public long LoadedAt { get; set; }

    /// <summary>Mode 1: the output was low when it was triggered again, and stays low until the count is loaded.</summary>
    public bool IsRetriggered { get; set; }

    /// <summary>When the gate stopped counting; <see cref="long.MaxValue"/> while it does not.</summary>
    public long StoppedAt { get; set; }

    /// <summary>The low byte has been written and the high one is expected.</summary>
    public bool WritesHigh { get; set; }

    /// <summary>The low byte that has been written.</summary>
    public byte WrittenLow { get; set; }

    /// <summary>The high byte is read next.</summary>
    public bool ReadsHigh { get; set; }

    /// <summary>A count that a command has latched.</summary>
    public ushort? LatchedCount { get; set; }

    /// <summary>A status that a command has latched.</summary>
    public byte? LatchedStatus { get; set; }
}
