using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices.Pci;

/// <summary>The host bridge of a PC: bus 0, reached by configuration mechanism 1 (ports CF8h to CFFh), where port CF9h resets the machine.</summary>
/// <param name="vm">The machine.</param>
public sealed class PciHost(VirtualMachine vm) : IDevice, IStateful
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0xCF8;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 8;

    /// <summary>Where firmware puts ranges of memory and of ports.</summary>
    public const uint MemoryWindow = 0xE0000000, PortWindow = 0xC000;

    /// <summary>First address behind the window of memory.</summary>
    public const uint MemoryWindowEnd = 0xFEC00000;

    const int Data = 4, ResetControl = 1, FunctionsPerDevice = 8, Devices = 32;
    const uint Enable = 1u << 31, AddressMask = 0x80FFFFFC;
    const byte ResetCpu = 4, HardReset = 2;

    readonly Lock gate = new();
    readonly PciFunction?[] functions = new PciFunction?[Devices * FunctionsPerDevice];
    uint address;
    byte resetControl;

    /// <summary>Puts a function on the bus.</summary>
    /// <param name="device">0 to 31.</param>
    /// <param name="function">0 to 7.</param>
    /// <param name="what">The function.</param>
    public void Add(int device, int function, PciFunction what) => functions[device * FunctionsPerDevice + function] = what;

    /// <summary>Does what firmware does before an operating system starts: addresses and interrupts.</summary>
    /// <param name="interruptOfDevice">The interrupt of a device's pin A.</param>
    public void Assign(Func<int, byte> interruptOfDevice)
    {
        ArgumentNullException.ThrowIfNull(interruptOfDevice);
        uint memory = MemoryWindow, ports = PortWindow;
        for (int i = 0; i < functions.Length; i++)
        {
            if (functions[i] is not { } function)
            {
                continue;
            }
            for (int bar = 0; bar < function.Bars.Length; bar++)
            {
                if (function.Bars[bar] is { } range)
                {
                    ref uint next = ref (range.IsPorts ? ref ports : ref memory);
                    next = (next + range.Size - 1) & ~(range.Size - 1);
                    function.Assign(bar, next);
                    next += range.Size;
                }
            }
            if (function.HasInterrupt)
            {
                function.AssignInterrupt(interruptOfDevice(i / FunctionsPerDevice));
            }
            PlaceBars(function);
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            if (offset >= Data)
            {
                data.Fill(0xFF);
                Selected()?.ReadConfiguration(Register(offset), data[..Math.Min(data.Length, PortCount - (int)offset)]);
            }
            else if (offset == 0 && data.Length == sizeof(uint))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(data, address);
            }
            else if (offset == ResetControl && data.Length == 1)
            {
                data[0] = resetControl;
            }
            else
            {
                data.Fill(0xFF);
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            if (offset >= Data)
            {
                if (Selected() is { } function)
                {
                    function.WriteConfiguration(Register(offset), data[..Math.Min(data.Length, PortCount - (int)offset)]);
                    PlaceBars(function);
                }
            }
            else if (offset == 0 && data.Length == sizeof(uint))
            {
                address = BinaryPrimitives.ReadUInt32LittleEndian(data) & AddressMask;
            }
            else if (offset == ResetControl && data.Length == 1)
            {
                resetControl = (byte)(data[0] & HardReset);
                if ((data[0] & ResetCpu) != 0)
                {
                    vm.RequestSystemEvent(SystemEventType.Reset);
                }
            }
        }
    }

    /// <summary>The bridge's registers and all functions on the bus; their base address registers are followed.</summary>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            address = state.Value(address) & AddressMask;
            state.Value(ref resetControl);
            foreach (PciFunction function in functions.OfType<PciFunction>())
            {
                state.Part(function);
            }
            TransferPlaces(state);
        }
    }

    /// <summary>Where the ranges are: not always where the registers say, because of two that overlap the first one stays.</summary>
    void TransferPlaces(StateTransfer state)
    {
        List<(PciBar Bar, uint Place)> moved = [];
        foreach (PciFunction function in functions.OfType<PciFunction>())
        {
            for (int i = 0; i < function.Bars.Length; i++)
            {
                if (function.Bars[i] is { } bar)
                {
                    uint place = state.Value(bar.Place);
                    (bool isDecoded, uint decoded) = function.Decode(i);
                    state.Require(place == 0 || (isDecoded && place == decoded));
                    if (place != bar.Place)
                    {
                        moved.Add((bar, place));
                    }
                }
            }
        }
        // First all go away, so that none stands where another one belongs.
        moved.ForEach(move => move.Bar.MoveTo(vm, false, 0));
        moved.ForEach(move => move.Bar.MoveTo(vm, move.Place != 0, move.Place));
    }

    int Register(ulong offset) => (int)(address & 0xFC) + (int)(offset - Data);

    /// <summary>The function that the address register names; there is only bus 0.</summary>
    PciFunction? Selected() => (address & Enable) != 0 && (address >> 16 & 0xFF) == 0 ? functions[address >> 8 & 0xFF] : null;

    void PlaceBars(PciFunction function)
    {
        for (int i = 0; i < function.Bars.Length; i++)
        {
            if (function.Bars[i] is { } bar)
            {
                (bool isDecoded, uint at) = function.Decode(i);
                bar.MoveTo(vm, isDecoded, at);
            }
        }
    }
}
