using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices.Virtio;

/// <summary>A virtio block device (5.2) on a disk image.</summary>
public sealed class VirtioBlock : VirtioDevice
{
    const ushort Type = 2;
    const uint MassStorage = 0x018000;
    const ulong MaximumSegments = 1 << 2, ReadOnly = 1 << 5, BlockSize = 1 << 6, CanFlush = 1 << 9;
    const int ConfigurationBytes = 24, SegmentsAt = 12, BlockSizeAt = 20;
    const int SectorSize = 512, HeaderSize = 16, IdentifierSize = 20, ChunkSize = 64 << 10;
    const uint In = 0, Out = 1, Flush = 4, GetIdentifier = 8;
    const byte Ok = 0, Failed = 1, Unsupported = 2;

    readonly IDisk disk;
    readonly byte[] configuration = new byte[ConfigurationBytes], chunk = new byte[ChunkSize];

    /// <summary>Creates the device.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="disk">The disk image; the part behind its last whole sector is not used.</param>
    public VirtioBlock(VirtualMachine vm, IDisk disk)
        : base(vm, Type, MassStorage, MaximumSegments | BlockSize | CanFlush | (disk.IsReadOnly ? ReadOnly : 0), 1)
    {
        this.disk = disk;
        BinaryPrimitives.WriteUInt64LittleEndian(configuration, Sectors);
        BinaryPrimitives.WriteUInt32LittleEndian(configuration.AsSpan(SegmentsAt), 126);
        BinaryPrimitives.WriteUInt32LittleEndian(configuration.AsSpan(BlockSizeAt), SectorSize);
    }

    /// <summary>The device, and its disk if that keeps what is written to itself: an <see cref="OverlayDisk"/>, a <see cref="MemoryDisk"/>. Others are to hold what they held then.</summary>
    public override void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        base.Transfer(state);
        state.Require(state.Value(disk.Length) == disk.Length);
    }

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> DeviceConfiguration => configuration;

    ulong Sectors => (ulong)disk.Length / SectorSize;

    /// <inheritdoc/>
    protected override uint Serve(int queue, VirtioChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Span<byte> header = stackalloc byte[HeaderSize];
        ulong room = chain.WritableLength;
        if (room == 0 || !chain.TryRead(header))
        {
            return 0;
        }
        ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        byte result;
        try
        {
            result = BinaryPrimitives.ReadUInt32LittleEndian(header) switch
            {
                In => ReadDisk(chain, sector, room - 1),
                Out => WriteDisk(chain, sector, chain.ReadableLength),
                Flush => FlushDisk(),
                GetIdentifier => Identify(chain),
                _ => Unsupported,
            };
        }
        catch (IOException)
        {
            result = Failed;
        }
        // The status is the last byte of all; what has not been written before it is skipped.
        chain.SkipWritable(chain.WritableLength - Math.Min(chain.WritableLength, 1));
        return chain.TryWrite([result]) ? (uint)Math.Min(room, uint.MaxValue) : 0;
    }

    bool IsInside(ulong sector, ulong length) => length % SectorSize == 0 && sector <= Sectors && length / SectorSize <= Sectors - sector;

    byte ReadDisk(VirtioChain chain, ulong sector, ulong length)
    {
        if (!IsInside(sector, length))
        {
            return Failed;
        }
        for (ulong done = 0; done < length;)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            disk.Read((long)(sector * SectorSize + done), part);
            if (!chain.TryWrite(part))
            {
                return Failed;
            }
            done += (ulong)part.Length;
        }
        return Ok;
    }

    byte WriteDisk(VirtioChain chain, ulong sector, ulong length)
    {
        if (disk.IsReadOnly || !IsInside(sector, length))
        {
            return Failed;
        }
        for (ulong done = 0; done < length;)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            if (!chain.TryRead(part))
            {
                return Failed;
            }
            disk.Write((long)(sector * SectorSize + done), part);
            done += (ulong)part.Length;
        }
        return Ok;
    }

    byte FlushDisk()
    {
        disk.Flush();
        return Ok;
    }

    static byte Identify(VirtioChain chain)
    {
        Span<byte> name = stackalloc byte[IdentifierSize];
        name.Clear();
        "FastVcpu disk"u8.CopyTo(name);
        return chain.WritableLength > IdentifierSize && chain.TryWrite(name) ? Ok : Failed;
    }
}
