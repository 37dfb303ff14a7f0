using System.Buffers.Binary;
using FastVcpu.Machine.Devices.Pci;

namespace FastVcpu.Machine.Devices.Virtio;

/// <summary>A virtio device on the PCI bus (Virtual I/O Device 1.2, 4.1; not transitional, without MSI-X). Derived classes say what it does with its queues.</summary>
public abstract class VirtioDevice : PciFunction, IDevice
{
    const ushort Vendor = 0x1AF4, FirstDeviceId = 0x1040;
    const byte VendorCapability = 0x09, ModernRevision = 1;
    const int Bar = 4;
    const uint BarSize = 0x4000, CommonAt = 0, InterruptAt = 0x1000, DeviceAt = 0x2000, NotifyAt = 0x3000, RegionSize = 0x1000, NotifyMultiplier = 4;
    const byte CommonRegion = 1, NotifyRegion = 2, InterruptRegion = 3, DeviceRegion = 4, AccessRegion = 5;
    const int AccessBar = 4, AccessOffset = 8, AccessLength = 12, AccessData = 16, AccessSize = 20;

    // Common configuration.
    const int FeatureSelect = 0x00, Feature = 0x04, DriverFeatureSelect = 0x08, DriverFeature = 0x0C, ConfigVector = 0x10, QueueCount = 0x12, Status = 0x14;
    const int QueueSelect = 0x16, QueueSize = 0x18, QueueVector = 0x1A, QueueEnable = 0x1C, QueueNotify = 0x1E, QueueDescriptors = 0x20, QueueDriver = 0x28, QueueDevice = 0x30;
    const int CommonSize = 0x38;

    const byte DriverOk = 4, FeaturesOk = 8, NeedsReset = 0x40;
    const byte QueueInterrupt = 1;
    const ulong Version1 = 1UL << 32;
    const ushort NoVector = 0xFFFF;

    readonly Lock gate = new();
    readonly VirtQueue[] queues;
    readonly ulong offered;
    readonly int access;
    ulong accepted;
    uint featureSelect, driverFeatureSelect;
    ushort queueSelect;
    byte status, interruptStatus;

    /// <summary>Creates a device.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="type">Device type, for example 2 for a block device.</param>
    /// <param name="classCode">PCI class.</param>
    /// <param name="features">Features of the type.</param>
    /// <param name="queueCount">Number of queues.</param>
    protected VirtioDevice(VirtualMachine vm, ushort type, uint classCode, ulong features, int queueCount)
        : base(Vendor, (ushort)(FirstDeviceId + type), classCode, ModernRevision)
    {
        SetSubsystem(Vendor, (ushort)(FirstDeviceId + type));
        UseInterrupt();
        offered = features | Version1;
        queues = [.. Enumerable.Range(0, queueCount).Select(_ => new VirtQueue(vm))];
        AddRegion(CommonRegion, CommonAt, CommonSize);
        AddRegion(NotifyRegion, NotifyAt, (uint)queueCount * NotifyMultiplier, NotifyMultiplier);
        AddRegion(InterruptRegion, InterruptAt, 1);
        AddRegion(DeviceRegion, DeviceAt, RegionSize);
        access = AddRegion(AccessRegion, 0, 0, 0);
        MakeWritable(access + AccessBar, 1);
        MakeWritable(access + AccessOffset, AccessSize - AccessOffset);
        AddBar(Bar, BarSize, isPorts: false, this);
    }

    /// <summary>The features that the driver has accepted.</summary>
    protected ulong Features => accepted;

    /// <summary>The configuration of the type; beyond it are zeros.</summary>
    protected abstract ReadOnlySpan<byte> DeviceConfiguration { get; }

    /// <summary>Serves a request. May be called again at once.</summary>
    /// <param name="queue">Number of the queue.</param>
    /// <param name="chain">The buffers.</param>
    /// <returns>Bytes written into the buffers.</returns>
    protected abstract uint Serve(int queue, VirtioChain chain);

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            switch ((uint)offset & ~(RegionSize - 1))
            {
                case CommonAt:
                    Span<byte> common = stackalloc byte[CommonSize];
                    BuildCommon(common);
                    CopyFrom(common, (int)offset, data);
                    break;
                case InterruptAt when offset == InterruptAt:
                    data[0] = interruptStatus;
                    interruptStatus = 0;
                    SetInterrupt(false);
                    break;
                case DeviceAt:
                    CopyFrom(DeviceConfiguration, (int)(offset - DeviceAt), data);
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            switch ((uint)offset & ~(RegionSize - 1))
            {
                case CommonAt when offset + (ulong)data.Length <= CommonSize:
                    WriteCommon((int)offset, data);
                    break;
                case NotifyAt:
                    Notify((int)((offset - NotifyAt) / NotifyMultiplier));
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public override void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            base.Transfer(state);
            state.Value(ref accepted);
            state.Value(ref featureSelect);
            state.Value(ref driverFeatureSelect);
            state.Value(ref queueSelect);
            state.Value(ref status);
            state.Value(ref interruptStatus);
            foreach (VirtQueue queue in queues)
            {
                state.Part(queue);
            }
        }
    }

    /// <inheritdoc/>
    public override void ReadConfiguration(int offset, Span<byte> data)
    {
        if (IsAccessData(offset) && AccessedPlace(data.Length) is { } place)
        {
            data.Clear();
            Read(place, data);
            return;
        }
        base.ReadConfiguration(offset, data);
    }

    /// <inheritdoc/>
    public override void WriteConfiguration(int offset, ReadOnlySpan<byte> data)
    {
        base.WriteConfiguration(offset, data);
        if (IsAccessData(offset) && AccessedPlace(data.Length) is { } place)
        {
            Write(place, data);
        }
    }

    static void CopyFrom(ReadOnlySpan<byte> source, int offset, Span<byte> data)
    {
        if (offset < source.Length)
        {
            ReadOnlySpan<byte> rest = source[offset..];
            rest[..Math.Min(rest.Length, data.Length)].CopyTo(data);
        }
    }

    int AddRegion(byte type, uint offset, uint length, uint? extra = null)
    {
        Span<byte> body = stackalloc byte[extra == null ? 14 : 18];
        body.Clear();
        body[0] = (byte)(body.Length + 2);
        body[1] = type;
        body[2] = Bar;
        BinaryPrimitives.WriteUInt32LittleEndian(body[6..], offset);
        BinaryPrimitives.WriteUInt32LittleEndian(body[10..], length);
        if (extra is { } value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(body[14..], value);
        }
        return AddCapability(VendorCapability, body);
    }

    bool IsAccessData(int offset) => offset == access + AccessData;

    /// <summary>The place that the access capability names, if an access of this size is allowed there.</summary>
    ulong? AccessedPlace(int length)
    {
        Span<byte> capability = stackalloc byte[AccessSize];
        base.ReadConfiguration(access, capability);
        uint place = BinaryPrimitives.ReadUInt32LittleEndian(capability[AccessOffset..]);
        bool isValid = capability[AccessBar] == Bar && BinaryPrimitives.ReadUInt32LittleEndian(capability[AccessLength..]) == length
            && place % (uint)length == 0 && place < BarSize;
        return isValid ? place : null;
    }

    VirtQueue? Selected => queueSelect < queues.Length ? queues[queueSelect] : null;

    void BuildCommon(Span<byte> common)
    {
        common.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(common[FeatureSelect..], featureSelect);
        BinaryPrimitives.WriteUInt32LittleEndian(common[Feature..], Half(offered, featureSelect));
        BinaryPrimitives.WriteUInt32LittleEndian(common[DriverFeatureSelect..], driverFeatureSelect);
        BinaryPrimitives.WriteUInt32LittleEndian(common[DriverFeature..], Half(accepted, driverFeatureSelect));
        BinaryPrimitives.WriteUInt16LittleEndian(common[ConfigVector..], NoVector);
        BinaryPrimitives.WriteUInt16LittleEndian(common[QueueCount..], (ushort)queues.Length);
        common[Status] = status;
        BinaryPrimitives.WriteUInt16LittleEndian(common[QueueSelect..], queueSelect);
        BinaryPrimitives.WriteUInt16LittleEndian(common[QueueVector..], NoVector);
        if (Selected is { } queue)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(common[QueueSize..], queue.Size);
            BinaryPrimitives.WriteUInt16LittleEndian(common[QueueEnable..], queue.IsEnabled ? (ushort)1 : (ushort)0);
            BinaryPrimitives.WriteUInt16LittleEndian(common[QueueNotify..], queueSelect);
            BinaryPrimitives.WriteUInt64LittleEndian(common[QueueDescriptors..], queue.Descriptors);
            BinaryPrimitives.WriteUInt64LittleEndian(common[QueueDriver..], queue.DriverArea);
            BinaryPrimitives.WriteUInt64LittleEndian(common[QueueDevice..], queue.DeviceArea);
        }
    }

    /// <summary>Fields may be written in parts: the bytes are put over what is there, and the fields that they touch are set.</summary>
    void WriteCommon(int offset, ReadOnlySpan<byte> data)
    {
        Span<byte> common = stackalloc byte[CommonSize];
        BuildCommon(common);
        data.CopyTo(common[offset..]);
        int end = offset + data.Length;
        bool Touches(int field, int size) => offset < field + size && field < end;

        if (Touches(FeatureSelect, 4))
        {
            featureSelect = BinaryPrimitives.ReadUInt32LittleEndian(common[FeatureSelect..]);
        }
        if (Touches(DriverFeatureSelect, 4))
        {
            driverFeatureSelect = BinaryPrimitives.ReadUInt32LittleEndian(common[DriverFeatureSelect..]);
        }
        if (Touches(DriverFeature, 4) && (status & FeaturesOk) == 0)
        {
            Accept(BinaryPrimitives.ReadUInt32LittleEndian(common[DriverFeature..]));
        }
        if (Touches(Status, 1))
        {
            SetStatus(common[Status]);
        }
        if (Touches(QueueSelect, 2))
        {
            queueSelect = BinaryPrimitives.ReadUInt16LittleEndian(common[QueueSelect..]);
        }
        else if (Selected is { IsEnabled: false } queue)
        {
            queue.Size = Touches(QueueSize, 2) ? BinaryPrimitives.ReadUInt16LittleEndian(common[QueueSize..]) : queue.Size;
            queue.Descriptors = BinaryPrimitives.ReadUInt64LittleEndian(common[QueueDescriptors..]);
            queue.DriverArea = BinaryPrimitives.ReadUInt64LittleEndian(common[QueueDriver..]);
            queue.DeviceArea = BinaryPrimitives.ReadUInt64LittleEndian(common[QueueDevice..]);
            queue.IsEnabled = Touches(QueueEnable, 2) && BinaryPrimitives.ReadUInt16LittleEndian(common[QueueEnable..]) == 1;
        }
    }

    static uint Half(ulong features, uint select) => select switch { 0 => (uint)features, 1 => (uint)(features >> 32), _ => 0 };

    void Accept(uint half)
    {
        accepted = driverFeatureSelect switch
        {
            0 => accepted & 0xFFFFFFFF_00000000 | half,
            1 => accepted & 0xFFFFFFFF | (ulong)half << 32,
            _ => accepted,
        };
    }

    void SetStatus(byte value)
    {
        if (value == 0)
        {
            Reset();
            return;
        }
        // What the device does not offer, or a driver that is older than the device, is refused by not taking the bit.
        bool isRefused = (accepted & ~offered) != 0 || (accepted & Version1) == 0;
        status = (byte)(isRefused ? value & ~FeaturesOk : value);
    }

    void Reset()
    {
        (status, interruptStatus, accepted, featureSelect, driverFeatureSelect, queueSelect) = (0, 0, 0, 0, 0, 0);
        foreach (VirtQueue queue in queues)
        {
            queue.Reset();
        }
        SetInterrupt(false);
    }

    /// <summary>Serves what is in a queue: at most as much as it can hold, so that another processor that keeps filling it cannot hold this one.</summary>
    void Notify(int index)
    {
        if (index >= queues.Length || (status & (DriverOk | NeedsReset)) != DriverOk || !IsBusMaster || !queues[index].IsEnabled)
        {
            return;
        }
        VirtQueue queue = queues[index];
        bool wantsInterrupt = false;
        for (int i = 0; i < queue.Size && queue.TryTake() is { } chain; i++)
        {
            queue.Return(chain, Serve(index, chain));
            wantsInterrupt |= queue.WantsInterrupt;
        }
        if (queue.IsBroken)
        {
            status |= NeedsReset;
        }
        if (wantsInterrupt)
        {
            interruptStatus |= QueueInterrupt;
            SetInterrupt(true);
        }
    }
}
