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
    readonly List<MemoryImage> images = [];

    SnapshotReader(Stream body) => this.body = body;

    public static MachineSnapshot Read(Stream stream)
    {
        bool isOfUserMode = CheckEnvelope(stream) == SnapshotFormat.UserMode;
        stream.Position = SnapshotFormat.HeadSize;
        using ZLibStream body = new(stream, CompressionMode.Decompress, leaveOpen: true);
        SnapshotReader reader = new(body);
        try
        {
            return reader.ReadBody(isOfUserMode);
        }
        catch (Exception error)
        {
            reader.images.ForEach(image => image.Release());
            if (error is InvalidDataException or EndOfStreamException)
            {
                throw Malformed();
            }
            throw;
        }
    }

    /// <summary>Returns the kind.</summary>
    static uint CheckEnvelope(Stream stream)
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
        uint kind = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(SnapshotFormat.KindAt));
        if (kind is not (SnapshotFormat.Machine or SnapshotFormat.UserMode))
        {
            throw new SnapshotException($"The snapshot is of a kind ({kind}) that this program does not know.");
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
        return kind;
    }

    MachineSnapshot ReadBody(bool isOfUserMode)
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
        SnapshotRegion[] regions = isOfUserMode ? ReadRuns() : [];
        SnapshotSlot[] slots = isOfUserMode ? [] : ReadSlots();
        if (body.ReadByte() >= 0)
        {
            throw Malformed();
        }
        if (!isOfUserMode)
        {
            return new MachineSnapshot(parts, state.ToArray(), slots) { Description = description };
        }
        LinearSnapshot space = new(regions);
        images.ForEach(image => image.Release());
        images.Clear();
        return new MachineSnapshot(parts, state.ToArray(), space) { Description = description };
    }

    SnapshotSlot[] ReadSlots()
    {
        List<SnapshotSlot> slots = [];
        int count = Number(SnapshotFormat.MostSlots);
        ulong total = 0;
        for (int i = 0; i < count; i++)
        {
            int number = Number(int.MaxValue), flags = Number(SnapshotFormat.ReadOnlyFlag);
            (ulong start, ulong size) = Range(SnapshotFormat.MostMemory - total);
            total += size;
            if (slots.Any(other => other.Number == number || (start < other.Start + other.Image.Size && other.Start < start + size)))
            {
                throw Malformed();
            }
            slots.Add(new SnapshotSlot(number, start, flags == SnapshotFormat.ReadOnlyFlag, Image(size)));
            ReadPages(slots[^1].Image, size);
        }
        return [.. slots];
    }

    SnapshotRegion[] ReadRuns()
    {
        SnapshotRegion[] regions = new SnapshotRegion[Number(SnapshotFormat.MostRuns)];
        ulong total = 0, end = 0;
        for (int i = 0; i < regions.Length; i++)
        {
            int number = Number(int.MaxValue), flags = Number(SnapshotFormat.PermissionFlags | SnapshotFormat.UntouchedFlag);
            bool isTouched = (flags & SnapshotFormat.UntouchedFlag) == 0;
            (ulong start, ulong size) = Range(isTouched ? SnapshotFormat.MostMemory - total : ulong.MaxValue);
            total += isTouched ? size : 0;
            if (number != i || start < end)
            {
                throw Malformed();
            }
            end = start + size;
            regions[i] = new SnapshotRegion(start, size, (PagePermissions)(flags & SnapshotFormat.PermissionFlags), isTouched ? Image(size) : null, 0);
            ReadPages(regions[i].Image, size);
        }
        return regions;
    }

    (ulong Start, ulong Size) Range(ulong most)
    {
        ulong start = Long(), size = Long();
        if (size == 0 || ((start | size) & (MemoryBlock.PageSize - 1)) != 0 || size > most || start + size <= start)
        {
            throw Malformed();
        }
        return (start, size);
    }

    /// <summary>What cannot be shown is refused here, where nothing has changed.</summary>
    MemoryImage Image(ulong size)
    {
        try
        {
            images.Add(new MemoryImage(size));
            MemoryImage.Unmap(images[^1].MapPrivately(out _));
            return images[^1];
        }
        catch (Exception error) when (error is IOException or OutOfMemoryException)
        {
            throw new SnapshotException($"The snapshot has {size} bytes of memory in one piece, more than this host gives.");
        }
    }

    void ReadPages(MemoryImage? image, ulong size)
    {
        ulong pages = image == null ? 0 : size / MemoryBlock.PageSize, next = 0;
        for (ulong page; (page = Long()) != SnapshotFormat.EndOfPages; next = page + 1)
        {
            if (page < next || page >= pages)
            {
                throw Malformed();
            }
            body.ReadExactly(new Span<byte>(image!.Pointer + page * MemoryBlock.PageSize, (int)MemoryBlock.PageSize));
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
