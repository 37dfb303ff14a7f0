using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices.Virtio;

/// <summary>A split virtqueue (2.7). Everything in it is the guest's, and is believed only as far as it can do no harm.</summary>
/// <param name="vm">The machine whose memory it lies in.</param>
sealed class VirtQueue(VirtualMachine vm) : IStateful
{
    const ushort Largest = 256;
    const int DescriptorSize = 16, UsedSize = 8, RingHeader = 4, IndexAt = 2;
    const ushort Next = 1, DeviceWrites = 2, Indirect = 4, NoInterrupt = 1;

    ushort size = Largest, taken, returned;

    /// <summary>Number of descriptors: a power of two.</summary>
    public ushort Size
    {
        get => size;
        set => size = value <= Largest && ushort.IsPow2(value) ? value : size;
    }

    public ulong Descriptors { get; set; }

    public ulong DriverArea { get; set; }

    public ulong DeviceArea { get; set; }

    public bool IsEnabled { get; set; }

    /// <summary>The driver has put something into the queue that cannot be.</summary>
    public bool IsBroken { get; private set; }

    public bool WantsInterrupt => (ReadWord(DriverArea) & NoInterrupt) == 0;

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        state.Value(ref size, (ushort)1, Largest);
        state.Value(ref taken);
        state.Value(ref returned);
        Descriptors = state.Value(Descriptors);
        DriverArea = state.Value(DriverArea);
        DeviceArea = state.Value(DeviceArea);
        IsEnabled = state.Value(IsEnabled);
        IsBroken = state.Value(IsBroken);
        state.Require(ushort.IsPow2(size));
    }

    public void Reset()
    {
        (size, taken, returned, Descriptors, DriverArea, DeviceArea) = (Largest, 0, 0, 0, 0, 0);
        IsEnabled = IsBroken = false;
    }

    /// <summary>The next request; null when there is none.</summary>
    public VirtioChain? TryTake()
    {
        ushort available = ReadWord(DriverArea + IndexAt);
        if (IsBroken || available == taken)
        {
            return null;
        }
        Thread.MemoryBarrier();
        ushort head = ReadWord(DriverArea + RingHeader + (ulong)(taken % size) * sizeof(ushort));
        VirtioChain chain = new(vm, head);
        taken++;
        Span<byte> descriptor = stackalloc byte[DescriptorSize];
        int index = head;
        for (int length = 0; ; length++)
        {
            // A chain that is longer than the table is a loop.
            if (index >= size || length >= size || !vm.TryReadPhysical(Descriptors + (ulong)index * DescriptorSize, descriptor))
            {
                IsBroken = true;
                return null;
            }
            ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(descriptor[12..]);
            bool isAdded = (flags & Indirect) == 0 && chain.TryAdd(
                BinaryPrimitives.ReadUInt64LittleEndian(descriptor), BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]), (flags & DeviceWrites) != 0);
            if (!isAdded)
            {
                IsBroken = true;
                return null;
            }
            if ((flags & Next) == 0)
            {
                return chain;
            }
            index = BinaryPrimitives.ReadUInt16LittleEndian(descriptor[14..]);
        }
    }

    /// <summary>Gives a request back to the driver.</summary>
    public void Return(VirtioChain chain, uint written)
    {
        Span<byte> element = stackalloc byte[UsedSize];
        BinaryPrimitives.WriteUInt32LittleEndian(element, chain.Head);
        BinaryPrimitives.WriteUInt32LittleEndian(element[4..], written);
        bool done = vm.TryWritePhysical(DeviceArea + RingHeader + (ulong)(returned % size) * UsedSize, element);
        returned++;
        Thread.MemoryBarrier();
        BinaryPrimitives.WriteUInt16LittleEndian(element, returned);
        IsBroken |= !done || !vm.TryWritePhysical(DeviceArea + IndexAt, element[..sizeof(ushort)]);
    }

    /// <summary>A word of a ring. Where there is no memory the queue is broken.</summary>
    ushort ReadWord(ulong address)
    {
        Span<byte> word = stackalloc byte[sizeof(ushort)];
        if (!vm.TryReadPhysical(address, word))
        {
            IsBroken = true;
            return 0;
        }
        return BinaryPrimitives.ReadUInt16LittleEndian(word);
    }
}
