using System.Buffers.Binary;
using FastVcpu.Machine.Devices.Virtio;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>A virtio block device as a driver uses it, and as one that means harm does.</summary>
public sealed class VirtioTests : IDisposable
{
    const int FeatureSelect = 0, Feature = 4, DriverFeatureSelect = 8, DriverFeature = 12, Status = 0x14, QueueSize = 0x18, QueueEnable = 0x1C, Descriptors = 0x20, Driver = 0x28, Device = 0x30;
    const int Interrupt = 0x1000, Configuration = 0x2000, Notify = 0x3000;
    const ulong Table = 0x1000, Available = 0x2000, Used = 0x3000, Header = 0x4000, Buffer = 0x5000, Result = 0x6000;
    const ushort Next = 1, Writes = 2, Indirect = 4;

    readonly VirtualMachine vm = new();
    readonly byte[] image = new byte[8 * 512 + 100];
    readonly VirtioBlock block;
    readonly List<bool> levels = [];
    ushort posted;

    public VirtioTests()
    {
        vm.AllocateMemory(0, 0, 0x10000);
        Random.Shared.NextBytes(image);
        block = new VirtioBlock(vm, new MemoryDisk(image)) { Interrupt = levels.Add };
        block.WriteConfiguration(4, [6, 0]);
        block.Out(Status, 1);
        block.Out(Status, 3);
        block.Out(DriverFeatureSelect, 1, 4);
        block.Out(DriverFeature, 1, 4);
        block.Out(Status, 11);
        block.Out(QueueSize, 8, 2);
        block.Out(Descriptors, Table, 8);
        block.Out(Driver, Available, 8);
        block.Out(Device, Used, 8);
        block.Out(QueueEnable, 1, 2);
        block.Out(Status, 15);
    }

    public void Dispose() => vm.Dispose();

    [Fact]
    public void TellsItsCapacityInSectors() => Assert.Equal(8u, block.In(Configuration, 4));

    [Fact]
    public void RefusesADriverThatAsksForWhatIsNotOffered()
    {
        block.Out(Status, 0);
        block.Out(DriverFeature, 1 << 27, 4);
        block.Out(Status, 11);
        Assert.Equal(3u, block.In(Status));
        block.Out(FeatureSelect, 1, 4);
        Assert.Equal(1u, block.In(Feature, 4));
    }

    [Fact]
    public void ReadsSectors()
    {
        Post(0, 2, 1024);
        Assert.Equal(0, Byte(Result));
        byte[] data = new byte[1024];
        vm.TryReadPhysical(Buffer, data);
        Assert.Equal(image[1024..2048], data);
        Assert.Equal(1, Word(Used + 2));
        Assert.Equal([true], levels);
        Assert.Equal(1u, block.In(Interrupt));
        Assert.Equal([true, false], levels);
    }

    [Fact]
    public void WritesSectors()
    {
        vm.TryWritePhysical(Buffer, "sector seven"u8);
        Post(1, 7, 512);
        Assert.Equal(0, Byte(Result));
        Assert.Equal("sector seven"u8, image.AsSpan(7 * 512, 12));
    }

    [Theory]
    [InlineData(0, 8UL, 512u, 1)]
    [InlineData(0, 7UL, 1024u, 1)]
    [InlineData(0, ulong.MaxValue, 512u, 1)]
    [InlineData(1, 0x80000000000000UL, 512u, 1)]
    [InlineData(0, 0UL, 100u, 1)]
    [InlineData(77, 0UL, 512u, 2)]
    public void WhatCannotBeDoneIsAnError(uint type, ulong sector, uint length, byte result)
    {
        Post(type, sector, length);
        Assert.Equal(result, Byte(Result));
    }

    [Fact]
    public void BuffersWithoutMemoryAreAnError()
    {
        Describe(0, Header, 16, Next, 1);
        Describe(1, 0xFFFFFFFF_FFFFFF00, 512, Next | Writes, 2);
        Describe(2, Result, 1, Writes, 0);
        Announce(0);
        Assert.Equal(1, Byte(Result));
    }

    [Fact]
    public void AChainThatIsALoopBreaksTheQueueAndNothingElse()
    {
        Describe(0, Header, 16, Next, 0);
        Announce(0);
        Assert.Equal(0x40u, block.In(Status) & 0x40);
        Post(0, 0, 512);
        Assert.Equal(0, Word(Used + 2));
        block.Out(Status, 0);
        Assert.Equal(0u, block.In(Status));
    }

    [Theory]
    [InlineData(Indirect)]
    [InlineData(Next)]
    public void DescriptorsThatCannotBeBreakTheQueue(ushort flags)
    {
        Describe(0, Header, 16, flags, 9);
        Announce(0);
        Assert.Equal(0x40u, block.In(Status) & 0x40);
    }

    [Fact]
    public void RingsWithoutMemoryBreakTheQueue()
    {
        block.Out(Status, 0);
        block.Out(DriverFeatureSelect, 1, 4);
        block.Out(DriverFeature, 1, 4);
        block.Out(Driver, 0xFFFF_FFFF_0000_0000, 8);
        block.Out(QueueEnable, 1, 2);
        block.Out(Status, 15);
        block.Out(Notify, 0, 2);
        Assert.Equal(0x40u, block.In(Status) & 0x40);
    }

    [Fact]
    public void RandomWritesDoNoHarm()
    {
        Random random = new(1);
        byte[] memory = new byte[0x10000];
        for (int i = 0; i < 20_000; i++)
        {
            if (i % 500 == 0)
            {
                random.NextBytes(memory);
                vm.TryWritePhysical(0, memory);
            }
            int size = 1 << random.Next(4), at = random.Next(3) == 0 ? random.Next(0x40) : random.Next(0x4000);
            block.Out(at, (ulong)random.NextInt64() >> random.Next(64), size);
            block.In(random.Next(0x4000), Math.Min(size, 4));
            block.WriteConfiguration(random.Next(256), [(byte)random.Next(256)]);
        }
    }

    [Fact]
    public void TheRegistersCanBeReachedThroughConfigurationSpace()
    {
        int access = 0;
        Span<byte> capability = stackalloc byte[20];
        for (byte at = Get(0x34); at != 0; at = Get(at + 1))
        {
            access = Get(at + 3) == 5 ? at : access;
        }
        block.WriteConfiguration(access + 4, [4]);
        block.WriteConfiguration(access + 8, [Status, 0, 0, 0]);
        block.WriteConfiguration(access + 12, [1, 0, 0, 0]);
        Assert.Equal(15, Get(access + 16));
    }

    byte Get(int register)
    {
        Span<byte> value = stackalloc byte[1];
        block.ReadConfiguration(register, value);
        return value[0];
    }

    void Post(uint type, ulong sector, uint length)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        vm.TryWritePhysical(Header, header);
        vm.TryWritePhysical(Result, [0xFF]);
        Describe(0, Header, 16, Next, 1);
        Describe(1, Buffer, length, type == 1 ? Next : (ushort)(Next | Writes), 2);
        Describe(2, Result, 1, Writes, 0);
        Announce(0);
    }

    void Describe(int index, ulong address, uint length, ushort flags, ushort next)
    {
        byte[] descriptor = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(descriptor, address);
        BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(8), length);
        BinaryPrimitives.WriteUInt16LittleEndian(descriptor.AsSpan(12), flags);
        BinaryPrimitives.WriteUInt16LittleEndian(descriptor.AsSpan(14), next);
        vm.TryWritePhysical(Table + (ulong)index * 16, descriptor);
    }

    void Announce(ushort head)
    {
        vm.TryWritePhysical(Available + 4 + (ulong)(posted % 8) * 2, [(byte)head, (byte)(head >> 8)]);
        posted++;
        vm.TryWritePhysical(Available + 2, [(byte)posted, (byte)(posted >> 8)]);
        block.Out(Notify, 0, 2);
    }

    byte Byte(ulong address)
    {
        Span<byte> value = stackalloc byte[1];
        vm.TryReadPhysical(address, value);
        return value[0];
    }

    int Word(ulong address) => Byte(address) | Byte(address + 1) << 8;
}
