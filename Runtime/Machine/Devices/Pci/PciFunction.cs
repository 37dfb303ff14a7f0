using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices.Pci;

/// <summary>A function on the PCI bus: its configuration space of 256 bytes (PCI Local Bus Specification 3.0, chapter 6) and base address registers.</summary>
public class PciFunction : IStateful
{
    /// <summary>Bytes of configuration space.</summary>
    public const int ConfigurationSize = 256;

    const int VendorId = 0x00, DeviceId = 0x02, Command = 0x04, Status = 0x06, Revision = 0x08, Class = 0x09, HeaderType = 0x0E, FirstBar = 0x10, SubsystemVendor = 0x2C;
    const int Subsystem = 0x2E, CapabilityPointer = 0x34, InterruptLine = 0x3C, InterruptPin = 0x3D, BarCount = 6, FirstCapability = 0x40;
    const ushort DecodePorts = 1, DecodeMemory = 2, BusMaster = 4, InterruptDisable = 0x400, WritableCommand = DecodePorts | DecodeMemory | BusMaster | InterruptDisable;
    const ushort HasCapabilities = 0x10, InterruptStatus = 8;
    const uint IsPortBar = 1;
    const byte MultiFunction = 0x80, PinA = 1;

    readonly byte[] configuration = new byte[ConfigurationSize];
    readonly byte[] writable = new byte[ConfigurationSize];
    readonly PciBar?[] bars = new PciBar?[BarCount];
    int lastCapability = CapabilityPointer, freeCapability = FirstCapability;
    bool interruptLevel, interruptLine;

    /// <summary>Creates a function.</summary>
    /// <param name="vendor">Vendor.</param>
    /// <param name="device">Device of the vendor.</param>
    /// <param name="classCode">Class, subclass and interface: 24 bits.</param>
    /// <param name="revision">Revision.</param>
    /// <param name="isMultiFunction">Its device has more functions.</param>
    public PciFunction(ushort vendor, ushort device, uint classCode, byte revision = 0, bool isMultiFunction = false)
    {
        Set(VendorId, vendor);
        Set(DeviceId, device);
        configuration[Revision] = revision;
        (configuration[Class], configuration[Class + 1], configuration[Class + 2]) = ((byte)classCode, (byte)(classCode >> 8), (byte)(classCode >> 16));
        configuration[HeaderType] = isMultiFunction ? MultiFunction : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(writable.AsSpan(Command), WritableCommand);
        writable[InterruptLine] = 0xFF;
    }

    /// <summary>The function may read and write memory.</summary>
    public bool IsBusMaster => (Get(Command) & BusMaster) != 0;

    /// <summary>What INTA# is connected to: gets its level whenever it changes.</summary>
    internal Action<bool>? Interrupt { get; set; }

    internal PciBar?[] Bars => bars;

    /// <summary>Names the board the function is on.</summary>
    protected void SetSubsystem(ushort vendor, ushort device)
    {
        Set(SubsystemVendor, vendor);
        Set(Subsystem, device);
    }

    /// <summary>Lets the guest write some bits of configuration space.</summary>
    protected void MakeWritable(int offset, int count) => writable.AsSpan(offset, count).Fill(0xFF);

    /// <summary>The function has an interrupt, at pin A.</summary>
    protected void UseInterrupt() => configuration[InterruptPin] = PinA;

    /// <summary>Gives the function a range of ports or of memory.</summary>
    /// <param name="index">Number of the base address register.</param>
    /// <param name="size">Bytes: a power of two, at least 16.</param>
    /// <param name="isPorts">Ports, not memory.</param>
    /// <param name="device">What is there.</param>
    protected void AddBar(int index, uint size, bool isPorts, IDevice device)
    {
        bars[index] = new PciBar(size, isPorts, device);
        BinaryPrimitives.WriteUInt32LittleEndian(configuration.AsSpan(FirstBar + index * 4), isPorts ? IsPortBar : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(writable.AsSpan(FirstBar + index * 4), ~(size - 1));
    }

    /// <summary>Appends a capability; its first two bytes (identifier and link) are filled in.</summary>
    /// <param name="identifier">What it is.</param>
    /// <param name="body">What follows the link.</param>
    /// <returns>Its offset.</returns>
    protected int AddCapability(byte identifier, ReadOnlySpan<byte> body)
    {
        int at = freeCapability;
        configuration[at] = identifier;
        body.CopyTo(configuration.AsSpan(at + 2));
        configuration[lastCapability] = (byte)at;
        lastCapability = at + 1;
        freeCapability = (at + 2 + body.Length + 3) & ~3;
        Set(Status, (ushort)(Get(Status) | HasCapabilities));
        return at;
    }

    /// <summary>Drives INTA#.</summary>
    protected void SetInterrupt(bool level)
    {
        interruptLevel = level;
        UpdateInterrupt();
    }

    /// <summary>Its registers. What its base addresses lead to follows from them, but only the host bridge can put it there.</summary>
    public virtual void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Span<byte> registers = stackalloc byte[ConfigurationSize];
        configuration.CopyTo(registers);
        state.Bytes(registers);
        for (int i = 0; i < ConfigurationSize; i++)
        {
            configuration[i] = (byte)(configuration[i] & ~writable[i] | registers[i] & writable[i]);
        }
        configuration[InterruptLine] = registers[InterruptLine];
        state.Value(ref interruptLevel);
        state.Value(ref interruptLine);
        Set(Status, (ushort)(Get(Status) & ~InterruptStatus | (interruptLevel ? InterruptStatus : 0)));
    }

    /// <summary>The guest reads configuration space.</summary>
    public virtual void ReadConfiguration(int offset, Span<byte> data) => Present(offset, data);

    /// <summary>The guest writes configuration space.</summary>
    public virtual void WriteConfiguration(int offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length && offset + i < ConfigurationSize; i++)
        {
            int at = offset + i;
            configuration[at] = (byte)(configuration[at] & ~writable[at] | data[i] & writable[at]);
        }
        UpdateInterrupt();
    }

    /// <summary>Where a base address register points to, and whether the function answers there.</summary>
    internal (bool IsDecoded, uint Address) Decode(int index)
    {
        PciBar bar = bars[index]!;
        uint address = BinaryPrimitives.ReadUInt32LittleEndian(configuration.AsSpan(FirstBar + index * 4)) & ~(bar.Size - 1);
        bool isDecoded = (Get(Command) & (bar.IsPorts ? DecodePorts : DecodeMemory)) != 0 && address != 0 && address != (uint)-bar.Size;
        return (isDecoded, address);
    }

    /// <summary>What firmware does: gives a base address register its address.</summary>
    internal void Assign(int index, uint address)
    {
        Span<byte> value = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(value, address);
        WriteConfiguration(FirstBar + index * 4, value);
        value[..2].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(value, (ushort)(Get(Command) | (bars[index]!.IsPorts ? DecodePorts : DecodeMemory)));
        WriteConfiguration(Command, value[..2]);
    }

    /// <summary>What firmware does: tells the driver the interrupt.</summary>
    internal void AssignInterrupt(byte line) => configuration[InterruptLine] = line;

    internal bool HasInterrupt => configuration[InterruptPin] != 0;

    void Present(int offset, Span<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = offset + i < ConfigurationSize ? configuration[offset + i] : (byte)0xFF;
        }
    }

    void UpdateInterrupt()
    {
        Set(Status, (ushort)(Get(Status) & ~InterruptStatus | (interruptLevel ? InterruptStatus : 0)));
        bool level = interruptLevel && (Get(Command) & InterruptDisable) == 0;
        if (level != interruptLine)
        {
            interruptLine = level;
            Interrupt?.Invoke(level);
        }
    }

    ushort Get(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(configuration.AsSpan(offset));

    void Set(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(configuration.AsSpan(offset), value);
}
