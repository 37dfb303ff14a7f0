namespace FastVcpu;

/// <summary>The state of one 8259A interrupt controller (<c>struct kvm_pic_state</c>).</summary>
public record struct PicState
{
    /// <summary>Levels of the inputs at the last look, so that edges are seen.</summary>
    public byte LastLines { get; set; }

    /// <summary>Interrupt request register.</summary>
    public byte Requests { get; set; }

    /// <summary>Interrupt mask register.</summary>
    public byte Mask { get; set; }

    /// <summary>In-service register.</summary>
    public byte InService { get; set; }

    /// <summary>The input that has the highest priority.</summary>
    public byte HighestPriority { get; set; }

    /// <summary>Vector of input 0.</summary>
    public byte VectorBase { get; set; }

    /// <summary>The in-service register is read, not the request register.</summary>
    public bool ReadsInService { get; set; }

    /// <summary>The next read is a poll.</summary>
    public bool Polls { get; set; }

    /// <summary>Special mask mode.</summary>
    public bool SpecialMask { get; set; }

    /// <summary>Number of the initialization command word that is expected at the odd port: 2 to 4; 0 when initialized.</summary>
    public byte InitializationStep { get; set; }

    /// <summary>Automatic end of interrupt.</summary>
    public bool AutoEndOfInterrupt { get; set; }

    /// <summary>Priorities rotate at an automatic end of interrupt.</summary>
    public bool RotatesOnAutoEndOfInterrupt { get; set; }

    /// <summary>Special fully nested mode.</summary>
    public bool SpecialFullyNested { get; set; }

    /// <summary>A fourth initialization command word will come.</summary>
    public bool ExpectsFourthWord { get; set; }

    /// <summary>Edge/level control register: inputs that are level-triggered.</summary>
    public byte LevelTriggered { get; set; }
}
