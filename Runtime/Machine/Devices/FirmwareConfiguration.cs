using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices;

/// <summary>QEMU's firmware configuration device (ports 510h and 511h), as far as test kernels ask it: number of processors and memory size.</summary>
public sealed class FirmwareConfiguration : IDevice
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0x510;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 2;

    const int Signature = 0x00, Revision = 0x01, MemorySize = 0x03, ProcessorCount = 0x05, MostProcessors = 0x0F, FileDirectory = 0x19;

    readonly Dictionary<int, byte[]> items;
    byte[] selected = [];
    int position;

    /// <summary>Creates the device.</summary>
    /// <param name="processors">Number of processors.</param>
    /// <param name="memory">Bytes of memory.</param>
    public FirmwareConfiguration(int processors, ulong memory)
    {
        byte[] count = new byte[2], size = new byte[8];
        BinaryPrimitives.WriteUInt16LittleEndian(count, (ushort)processors);
        BinaryPrimitives.WriteUInt64LittleEndian(size, memory);
        items = new()
        {
            [Signature] = "QEMU"u8.ToArray(),
            [Revision] = [1, 0, 0, 0],
            [MemorySize] = size,
            [ProcessorCount] = count,
            [MostProcessors] = count,
            [FileDirectory] = new byte[4],
        };
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = position < selected.Length ? selected[position++] : (byte)0;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (offset == 0 && data.Length == 2)
        {
            position = 0;
            selected = items.GetValueOrDefault(BinaryPrimitives.ReadUInt16LittleEndian(data), []);
        }
    }
}
