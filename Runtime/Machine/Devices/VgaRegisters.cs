namespace FastVcpu.Machine.Devices;

/// <summary>The registers of a VGA (ports 3B0h to 3DFh), as far as text mode needs them: they keep their values, and the retrace bits run.</summary>
public sealed class VgaRegisters : IDevice, IStateful
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0x3B0;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 0x30;

    // Ports as offsets. The CRT controller of the monochrome adapter is the same one.
    const int MonochromeIndex = 0x04, MonochromeData = 0x05, MonochromeStatus = 0x0A;
    const int Attribute = 0x10, AttributeRead = 0x11, MiscellaneousWrite = 0x12, SequencerIndex = 0x14, SequencerData = 0x15, DacMask = 0x16, DacState = 0x17;
    const int DacWriteIndex = 0x18, DacData = 0x19, MiscellaneousRead = 0x1C, GraphicsIndex = 0x1E, GraphicsData = 0x1F;
    const int ColorIndex = 0x24, ColorData = 0x25, ColorStatus = 0x2A;

    const int StartHigh = 0x0C, StartLow = 0x0D, CursorHigh = 0x0E, CursorLow = 0x0F;
    const byte Retrace = 0x09, ColorText = 0x67, PaletteEnabled = 0x20;

    readonly Lock gate = new();
    readonly byte[] controller = new byte[256], sequencer = new byte[256], graphics = new byte[256], attributes = new byte[32], palette = new byte[256 * 3];
    byte controllerIndex, sequencerIndex, graphicsIndex, attributeIndex = PaletteEnabled, miscellaneous = ColorText, mask = 0xFF, status;
    int paletteRead, paletteWrite;
    bool attributeTakesData;

    /// <summary>First character of the screen, and position of the cursor, in characters from the start of the text buffer.</summary>
    public (int Start, int Cursor) Text
    {
        get
        {
            lock (gate)
            {
                return (controller[StartHigh] << 8 | controller[StartLow], controller[CursorHigh] << 8 | controller[CursorLow]);
            }
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            for (int i = 0; i < data.Length; i++)
            {
                data[i] = ReadPort((int)offset + i);
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
                WritePort((int)offset + i, data[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            state.Bytes(controller);
            state.Bytes(sequencer);
            state.Bytes(graphics);
            state.Bytes(attributes);
            state.Bytes(palette);
            state.Value(ref controllerIndex);
            state.Value(ref sequencerIndex);
            state.Value(ref graphicsIndex);
            state.Value(ref attributeIndex);
            state.Value(ref miscellaneous);
            state.Value(ref mask);
            state.Value(ref status);
            state.Value(ref paletteRead, 0, palette.Length - 1);
            state.Value(ref paletteWrite, 0, palette.Length - 1);
            state.Value(ref attributeTakesData);
        }
    }

    byte ReadPort(int port)
    {
        switch (port)
        {
            case MonochromeIndex or ColorIndex:
                return controllerIndex;
            case MonochromeData or ColorData:
                return controller[controllerIndex];
            case MonochromeStatus or ColorStatus:
                attributeTakesData = false;
                return status ^= Retrace;
            case Attribute:
                return attributeIndex;
            case AttributeRead:
                return attributes[attributeIndex & 31];
            case SequencerIndex:
                return sequencerIndex;
            case SequencerData:
                return sequencer[sequencerIndex];
            case DacMask:
                return mask;
            case DacWriteIndex:
                return (byte)(paletteWrite / 3);
            case DacData:
                byte part = palette[paletteRead];
                paletteRead = (paletteRead + 1) % palette.Length;
                return part;
            case MiscellaneousRead:
                return miscellaneous;
            case GraphicsIndex:
                return graphicsIndex;
            case GraphicsData:
                return graphics[graphicsIndex];
            default:
                return 0xFF;
        }
    }

    void WritePort(int port, byte value)
    {
        switch (port)
        {
            case MonochromeIndex or ColorIndex:
                controllerIndex = value;
                break;
            case MonochromeData or ColorData:
                controller[controllerIndex] = value;
                break;
            case Attribute when attributeTakesData:
                attributes[attributeIndex & 31] = value;
                attributeTakesData = false;
                break;
            case Attribute:
                attributeIndex = value;
                attributeTakesData = true;
                break;
            case MiscellaneousWrite:
                miscellaneous = value;
                break;
            case SequencerIndex:
                sequencerIndex = value;
                break;
            case SequencerData:
                sequencer[sequencerIndex] = value;
                break;
            case DacMask:
                mask = value;
                break;
            case DacState:
                paletteRead = value * 3;
                break;
            case DacWriteIndex:
                paletteWrite = value * 3;
                break;
            case DacData:
                palette[paletteWrite] = value;
                paletteWrite = (paletteWrite + 1) % palette.Length;
                break;
            case GraphicsIndex:
                graphicsIndex = value;
                break;
            case GraphicsData:
                graphics[graphicsIndex] = value;
                break;
        }
    }
}
