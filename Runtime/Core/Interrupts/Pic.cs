namespace FastVcpu.Interrupts;

/// <summary>
/// One 8259A interrupt controller (data sheet 231468), in 8086 mode. Its owner holds the lock. An edge stays latched when the line goes low before the
/// acknowledgement, because embedders pulse their lines.
/// </summary>
/// <param name="isMaster">Input 2 is the output of the slave, whose level counts.</param>
/// <param name="elcrMask">Inputs that can be made level-triggered.</param>
sealed class Pic(bool isMaster, byte elcrMask)
{
    public const int Inputs = 8, SpuriousInput = 7, CascadeInput = 2;
    const int None = -1;

    // ICW1 and OCW2/OCW3 share the even port.
    const byte Icw1 = 0x10, Icw1Single = 2, Icw1NeedsIcw4 = 1, Ocw3 = 8;
    const byte Icw4SpecialFullyNested = 0x10, Icw4AutoEoi = 2;
    const byte Ocw3SelectsMask = 0x40, Ocw3SpecialMask = 0x20, Ocw3Poll = 4, Ocw3ReadsRegister = 2, Ocw3InService = 1;
    const byte PollHasInterrupt = 0x80, Icw2Vectors = 0xF8;

    PicState s;
    bool isSingle;

    public PicState State
    {
        get => s;
        set => s = value with { HighestPriority = (byte)(value.HighestPriority % Inputs), LevelTriggered = (byte)(value.LevelTriggered & elcrMask) };
    }

    /// <summary>Passes all registers through.</summary>
    public void Transfer(StateTransfer state)
    {
        s.LastLines = state.Value(s.LastLines);
        s.Requests = state.Value(s.Requests);
        s.Mask = state.Value(s.Mask);
        s.InService = state.Value(s.InService);
        s.HighestPriority = state.Value(s.HighestPriority);
        s.VectorBase = state.Value(s.VectorBase);
        s.ReadsInService = state.Value(s.ReadsInService);
        s.Polls = state.Value(s.Polls);
        s.SpecialMask = state.Value(s.SpecialMask);
        s.InitializationStep = state.Value(s.InitializationStep);
        s.AutoEndOfInterrupt = state.Value(s.AutoEndOfInterrupt);
        s.RotatesOnAutoEndOfInterrupt = state.Value(s.RotatesOnAutoEndOfInterrupt);
        s.SpecialFullyNested = state.Value(s.SpecialFullyNested);
        s.ExpectsFourthWord = state.Value(s.ExpectsFourthWord);
        s.LevelTriggered = state.Value(s.LevelTriggered);
        state.Value(ref isSingle);
        state.Require(s.HighestPriority < Inputs && (s.LevelTriggered & ~elcrMask) == 0);
    }

    public byte LevelTriggered
    {
        get => s.LevelTriggered;
        set => s.LevelTriggered = (byte)(value & elcrMask);
    }

    /// <summary>The INT output.</summary>
    public bool HasInterrupt => FindInterrupt() != None;

    byte AfterThirdWord => s.ExpectsFourthWord ? (byte)4 : (byte)0;

    bool IsInitialized => s.InitializationStep == 0;

    /// <summary>An input changes.</summary>
    public void SetLine(int input, bool level)
    {
        byte bit = (byte)(1 << input);
        bool isLevelTriggered = (s.LevelTriggered & bit) != 0 || (isMaster && input == CascadeInput);
        bool isRequested = level && (isLevelTriggered || (s.LastLines & bit) == 0);
        s.Requests |= isRequested ? bit : (byte)0;
        s.Requests &= level || !isLevelTriggered ? (byte)0xFF : (byte)~bit;
        s.LastLines = (byte)(level ? s.LastLines | bit : s.LastLines & ~bit);
    }

    /// <summary>INTA: the input that is to be served, which goes into service; the spurious one without being in service when there is none.</summary>
    public int Acknowledge()
    {
        int input = FindInterrupt();
        if (input == None)
        {
            return SpuriousInput;
        }
        byte bit = (byte)(1 << input);
        if ((s.LevelTriggered & bit) == 0 && !(isMaster && input == CascadeInput))
        {
            s.Requests &= (byte)~bit;
        }
        if (!s.AutoEndOfInterrupt)
        {
            s.InService |= bit;
        }
        else if (s.RotatesOnAutoEndOfInterrupt)
        {
            s.HighestPriority = Next(input);
        }
        return input;
    }

    public byte Vector(int input) => (byte)(s.VectorBase | input);

    public byte Read(int port)
    {
        if (s.Polls)
        {
            s.Polls = false;
            return FindInterrupt() == None ? (byte)0 : (byte)(PollHasInterrupt | Acknowledge());
        }
        return port != 0 ? s.Mask : s.ReadsInService ? s.InService : s.Requests;
    }

    public void Write(int port, byte value)
    {
        if (port != 0)
        {
            WriteOdd(value);
        }
        else if ((value & Icw1) != 0)
        {
            Initialize(value);
        }
        else if ((value & Ocw3) != 0)
        {
            WriteOcw3(value);
        }
        else
        {
            WriteOcw2(value >> 5, value & 7);
        }
    }

    void Initialize(byte value)
    {
        byte lines = s.LastLines;
        s = new PicState
        {
            LevelTriggered = s.LevelTriggered,
            LastLines = lines,
            // The edge sense circuit is reset: a line that is high already makes no request; a level does.
            Requests = (byte)(lines & (s.LevelTriggered | (isMaster ? 1 << CascadeInput : 0))),
            VectorBase = s.VectorBase,
            InitializationStep = 2,
            ExpectsFourthWord = (value & Icw1NeedsIcw4) != 0,
        };
        isSingle = (value & Icw1Single) != 0;
    }

    void WriteOdd(byte value)
    {
        switch (s.InitializationStep)
        {
            case 2:
                s.VectorBase = (byte)(value & Icw2Vectors);
                s.InitializationStep = isSingle ? AfterThirdWord : (byte)3;
                break;
            case 3:
                s.InitializationStep = AfterThirdWord;
                break;
            case 4:
                s.SpecialFullyNested = (value & Icw4SpecialFullyNested) != 0;
                s.AutoEndOfInterrupt = (value & Icw4AutoEoi) != 0;
                s.InitializationStep = 0;
                break;
            default:
                s.Mask = value;
                break;
        }
    }

    void WriteOcw3(byte value)
    {
        s.Polls = (value & Ocw3Poll) != 0;
        if ((value & Ocw3ReadsRegister) != 0)
        {
            s.ReadsInService = (value & Ocw3InService) != 0;
        }
        if ((value & Ocw3SelectsMask) != 0)
        {
            s.SpecialMask = (value & Ocw3SpecialMask) != 0;
        }
    }

    /// <summary>End of interrupt and rotation; <paramref name="command"/> is R, SL, EOI.</summary>
    void WriteOcw2(int command, int input)
    {
        const int Rotate = 4, Specific = 2, EndOfInterrupt = 1;
        bool rotates = (command & Rotate) != 0;
        if ((command & EndOfInterrupt) != 0)
        {
            int ended = (command & Specific) != 0 ? input : HighestOf(s.SpecialMask ? (byte)(s.InService & ~s.Mask) : s.InService);
            if (ended != None)
            {
                s.InService &= (byte)~(1 << ended);
                s.HighestPriority = rotates ? Next(ended) : s.HighestPriority;
            }
        }
        else if ((command & Specific) == 0)
        {
            s.RotatesOnAutoEndOfInterrupt = rotates;
        }
        else if (rotates)
        {
            s.HighestPriority = Next(input);
        }
    }

    /// <summary>The request that the processor is to be interrupted for.</summary>
    int FindInterrupt()
    {
        int request = HighestOf((byte)(s.Requests & ~s.Mask));
        if (request == None || !IsInitialized)
        {
            return None;
        }
        byte serving = s.SpecialMask ? (byte)(s.InService & ~s.Mask) : s.InService;
        if (isMaster && s.SpecialFullyNested)
        {
            // Higher requests of the slave interrupt lower ones of the slave.
            serving &= unchecked((byte)~(1 << CascadeInput));
        }
        int served = HighestOf(serving);
        return served == None || Priority(request) < Priority(served) ? request : None;
    }

    int HighestOf(byte inputs)
    {
        for (int i = 0; i < Inputs && inputs != 0; i++)
        {
            int input = (s.HighestPriority + i) % Inputs;
            if ((inputs >> input & 1) != 0)
            {
                return input;
            }
        }
        return None;
    }

    int Priority(int input) => (input - s.HighestPriority + Inputs) % Inputs;

    static byte Next(int input) => (byte)((input + 1) % Inputs);
}
