using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using FastVcpu.Memory;

namespace FastVcpu.Snapshots;

/// <summary>Reads <see cref="SnapshotFormat"/>. The checksum is looked at before anything else is believed; what is behind it is checked all the same, because somebody may have made it.</summary>
sealed unsafe class SnapshotReader
{
    readonly Stream body;

    SnapshotReader(Stream body) => this.body = body;

    public static MachineSnapshot Read(Stream stream)
    {
        CheckEnvelope(stream);
        stream.Position = SnapshotFormat.HeadSize;
        using ZLibStream body = new(stream, CompressionMode.Decompress, leaveOpen: true);
        List<SnapshotSlot> slots = [];
        try
        {
            return new SnapshotReader(body).ReadBody(slots);
        }
        catch (Exception error)
        {
            slots.ForEach(slot => slot.Image.Release());
            if (error is InvalidDataException or EndOfStreamException)
            {
                throw Malformed();
            }
            throw;
        }
    }

    static void CheckEnvelope(Stream stream)
    {
        byte[] head = new byte[SnapshotFormat.HeadSize], foot = new byte[SnapshotFormat.FootSize];
        if (stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length || !head.AsSpan().StartsWith(SnapshotFormat.Magic))
        {
            throw new SnapshotException("This is no snapshot.");
        }
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(SnapshotFormat.VersionAt));
        if (version != SnapshotFormat.Version)
        {
            throw new SnapshotException($"The snapshot has version {version}; this program reads version {SnapshotFormat.Version}.");
        }
        long length = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(SnapshotFormat.LengthAt));
        if (length != stream.Length || length < SnapshotFormat.HeadSize + SnapshotFormat.FootSize)
        {
            throw new SnapshotException($"The snapshot is damaged: it has {stream.Length} bytes and should have {length}.");
        }
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        byte[] piece = new byte[1 << 20];
        for (long left = length - SnapshotFormat.HeadSize - SnapshotFormat.FootSize; left > 0;)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min(piece.Length, left));
            stream.ReadExactly(part);
            hash.AppendData(part);
            left -= part.Length;
        }
        stream.ReadExactly(foot);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(foot))
        {
            throw new SnapshotException("The snapshot is damaged: its checksum is wrong.");
        }
    }

    MachineSnapshot ReadBody(List<SnapshotSlot> slots)
    {
        string description = Text();
        SnapshotPart[] parts = new SnapshotPart[Number(SnapshotFormat.MostParts)];
        MemoryStream state = new();
        for (int i = 0; i < parts.Length; i++)
        {
            string name = Text();
            byte[] bytes = Block(SnapshotFormat.MostState - (int)state.Length);
            parts[i] = new SnapshotPart(name, (int)state.Length, bytes.Length);
            state.Write(bytes);
        }
        int count = Number(SnapshotFormat.MostSlots);
        ulong total = 0;
        for (int i = 0; i < count; i++)
        {
            int number = Number(int.MaxValue), flags = Number(SnapshotFormat.ReadOnlyFlag);
            ulong start = Long(), size = Long();
            bool isRange = size != 0 && ((start | size) & (MemoryBlock.PageSize - 1)) == 0 && size <= SnapshotFormat.MostMemory - total && start + size - 1 >= start;
            if (!isRange || slots.Any(other => other.Number == number || (start < other.Start + other.Image.Size && other.Start < start + size)))
            {
                throw Malformed();
            }
            total += size;
            slots.Add(new SnapshotSlot(number, start, flags == SnapshotFormat.ReadOnlyFlag, new MemoryImage(size)));
            ReadPages(slots[^1].Image);
        }
        return body.ReadByte() < 0 ? new MachineSnapshot(parts, state.ToArray(), [.. slots]) { Description = description } : throw Malformed();
    }

    void ReadPages(MemoryImage image)
    {
        ulong pages = image.Size / MemoryBlock.PageSize, next = 0;
        for (ulong page; (page = Long()) != SnapshotFormat.EndOfPages; next = page + 1)
        {
            if (page < next || page >= pages)
            {
                throw Malformed();
            }
            body.ReadExactly(new Span<byte>(image.Pointer + page * MemoryBlock.PageSize, (int)MemoryBlock.PageSize));
        }
    }

    string Text() => Encoding.UTF8.GetString(Block(SnapshotFormat.MostText));

    /// <summary>Grows with what is there, not with what is promised.</summary>
    byte[] Block(int most)
    {
        const int Piece = 1 << 16;
        int length = Number(most);
        byte[] bytes = new byte[Math.Min(length, Piece)];
        for (int at = 0; at < length;)
        {
            int count = Math.Min(Piece, length - at);
            if (bytes.Length < at + count)
            {
                Array.Resize(ref bytes, (int)Math.Min((long)length, Math.Max(bytes.Length * 2L, at + count)));
            }
            body.ReadExactly(bytes, at, count);
            at += count;
        }
        return bytes;
    }

    int Number(int most)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        body.ReadExactly(bytes);
        int value = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return value >= 0 && value <= most ? value : throw Malformed();
    }

    ulong Long()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        body.ReadExactly(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    static SnapshotException Malformed() => new("The snapshot is damaged: what it contains cannot be.");
}
