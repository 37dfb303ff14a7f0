using System.Buffers.Binary;

namespace FastVcpu.Fuzz.Devices;

/// <summary>A virtqueue that no driver makes: loops, addresses where nothing is, lengths beyond everything, requests that are none.</summary>
static class HostileRing
{
    /// <summary>Where it lies.</summary>
    public const uint Base = 0x400000, Descriptors = Base, Driver = Base + 0x2000, Device = Base + 0x3000;

    /// <summary>Number of descriptors.</summary>
    public const ushort Size = 64;

    const uint Headers = Base + 0x8000;
    const int Length = 0x9000, DescriptorSize = 16, HeaderSize = 16;

    static readonly ulong[] addresses = [0, Base, Driver, Device, Headers, 0x100000, 0x500000, 0xFFF000, 0xFFFFF0, 0x1000000, 0xE0020000, 0xFEC00000, 0xFEE00000, ulong.MaxValue - 0xFFF, ulong.MaxValue, 1UL << 40];
    static readonly uint[] lengths = [0, 1, 15, 16, 17, 512, 513, 4096, 65536, 1 << 20, 0x7FFFFFFF, 0x80000000, uint.MaxValue];

    /// <summary>The bytes from <see cref="Base"/> on.</summary>
    public static byte[] Next(Random random)
    {
        byte[] area = new byte[Length];
        if (random.Next(8) == 0)
        {
            random.NextBytes(area);
            return area;
        }
        for (int i = 0; i < Size; i++)
        {
            Span<byte> descriptor = area.AsSpan(i * DescriptorSize);
            bool isHeader = random.Next(2) == 0;
            BinaryPrimitives.WriteUInt64LittleEndian(descriptor, isHeader ? Headers + (ulong)random.Next(Size) * HeaderSize : addresses[random.Next(addresses.Length)]);
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor[8..], isHeader ? HeaderSize : lengths[random.Next(lengths.Length)]);
            // Mostly: first what is read, then what is written.
            int flags = random.Next(16) == 0 ? random.Next(8) : (isHeader ? 0 : 2) | (random.Next(3) == 0 ? 0 : 1);
            BinaryPrimitives.WriteUInt16LittleEndian(descriptor[12..], (ushort)flags);
            BinaryPrimitives.WriteUInt16LittleEndian(descriptor[14..], (ushort)random.Next(random.Next(8) == 0 ? 0x10000 : Size));
            Span<byte> header = area.AsSpan((int)(Headers - Base) + i * HeaderSize);
            BinaryPrimitives.WriteUInt32LittleEndian(header, random.Next(4) switch { 0 => (uint)random.Next(), 1 => 0u, 2 => 1u, _ => (uint)random.Next(16) });
            BinaryPrimitives.WriteInt64LittleEndian(header[8..], random.Next(3) == 0 ? random.NextInt64() : random.Next(1 << 12));
        }
        Span<byte> ring = area.AsSpan((int)(Driver - Base));
        BinaryPrimitives.WriteUInt16LittleEndian(ring[2..], (ushort)random.Next(random.Next(4) == 0 ? 0x10000 : Size));
        for (int i = 0; i < Size; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(ring[(4 + i * 2)..], (ushort)random.Next(random.Next(32) == 0 ? 0x10000 : Size));
        }
        return area;
    }
}
