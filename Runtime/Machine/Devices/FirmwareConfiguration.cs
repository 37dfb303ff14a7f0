using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Devices;

/// <summary>QEMU's firmware configuration device (docs/specs/fw_cfg), by ports 510h and 511h: numbered items and a directory of named files.</summary>
public sealed class FirmwareConfiguration : IDevice, IStateful
{
    /// <summary>First port.</summary>
    public const ushort FirstPort = 0x510;

    /// <summary>Ports that it takes.</summary>
    public const int PortCount = 2;

    const int Signature = 0x00, Revision = 0x01, MemorySize = 0x03, ProcessorCount = 0x05, MostProcessors = 0x0F, FileDirectory = 0x19, FirstFile = 0x20, Nothing = 0xFFFF;
    const int NameSize = 56, DirectoryEntrySize = 64;

    readonly Lock gate = new();
    readonly Dictionary<int, byte[]> items;
    readonly List<(string Name, int Item)> files = [];
    ushort selected = Nothing;
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

    /// <summary>Adds an item with a number of its own, before the machine runs.</summary>
    /// <param name="number">The number.</param>
    /// <param name="content">What is in it.</param>
    public void AddItem(int number, byte[] content)
    {
        ArgumentNullException.ThrowIfNull(content);
        items.Add(number, content);
    }

    /// <summary>Adds a file, before the machine runs.</summary>
    /// <param name="name">At most 55 characters of ASCII.</param>
    /// <param name="content">What is in it.</param>
    public void AddFile(string name, byte[] content)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(name.Length, NameSize, nameof(name));
        items[FirstFile + files.Count] = content;
        files.Add((name, FirstFile + files.Count));
        items[FileDirectory] = Directory();
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            state.Value(ref selected);
            state.Value(ref position, 0, int.MaxValue);
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (gate)
        {
            byte[] item = items.GetValueOrDefault(selected, []);
            for (int i = 0; i < data.Length; i++)
            {
                data[i] = position < item.Length ? item[position++] : (byte)0;
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (offset == 0 && data.Length == 2)
        {
            lock (gate)
            {
                position = 0;
                selected = BinaryPrimitives.ReadUInt16LittleEndian(data);
            }
        }
    }

    /// <summary>The directory is big-endian.</summary>
    byte[] Directory()
    {
        byte[] directory = new byte[4 + files.Count * DirectoryEntrySize];
        BinaryPrimitives.WriteInt32BigEndian(directory, files.Count);
        for (int i = 0; i < files.Count; i++)
        {
            Span<byte> entry = directory.AsSpan(4 + i * DirectoryEntrySize, DirectoryEntrySize);
            BinaryPrimitives.WriteInt32BigEndian(entry, items[files[i].Item].Length);
            BinaryPrimitives.WriteUInt16BigEndian(entry[4..], (ushort)files[i].Item);
            Encoding.ASCII.GetBytes(files[i].Name, entry[8..]);
        }
        return directory;
    }
}
