using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using FastVcpu.Memory;

namespace FastVcpu.Snapshots;

/// <summary>Writes <see cref="SnapshotFormat"/>.</summary>
sealed unsafe class SnapshotWriter
{
    readonly Stream body;

    SnapshotWriter(Stream body) => this.body = body;

    public static void Write(MachineSnapshot snapshot, Stream stream)
    {
        using MemoryStream compressed = new();
        using (ZLibStream body = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            new SnapshotWriter(body).WriteBody(snapshot);
        }
        byte[] head = new byte[SnapshotFormat.HeadSize];
        SnapshotFormat.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(SnapshotFormat.VersionAt), SnapshotFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(SnapshotFormat.KindAt), snapshot.IsOfUserMode ? SnapshotFormat.UserMode : SnapshotFormat.Machine);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(SnapshotFormat.LengthAt), SnapshotFormat.HeadSize + compressed.Length + SnapshotFormat.FootSize);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ReadOnlySpan<byte> content = compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
        hash.AppendData(head);
        hash.AppendData(content);
        stream.Write(head);
        stream.Write(content);
        stream.Write(hash.GetHashAndReset());
        stream.Flush();
    }

    void WriteBody(MachineSnapshot snapshot)
    {
        Block(Encoding.UTF8.GetBytes(snapshot.Description));
        Number(snapshot.Parts.Length);
        foreach (SnapshotPart part in snapshot.Parts)
        {
            Block(Encoding.UTF8.GetBytes(part.Name));
            Block(snapshot.State.AsSpan(part.Offset, part.Length));
        }
        if (snapshot.Space is { } space)
        {
            WriteRuns(space);
            return;
        }
        Number(snapshot.Slots.Length);
        foreach (SnapshotSlot slot in snapshot.Slots)
        {
            WriteHead(slot.Number, slot.IsReadOnly ? SnapshotFormat.ReadOnlyFlag : 0, slot.Start, slot.Image.Size);
            WritePages(slot.Image, 0, slot.Image.Size, 0);
            Long(SnapshotFormat.EndOfPages);
        }
    }

    /// <summary>Neighbours that are the same to the guest become one slot.</summary>
    void WriteRuns(LinearSnapshot space)
    {
        List<List<SnapshotRegion>> runs = [];
        foreach (SnapshotRegion region in space.Regions)
        {
            if (runs is not [.., [.., SnapshotRegion last]] || last.End != region.Start || last.Permissions != region.Permissions || last.Image == null != (region.Image == null))
            {
                runs.Add([]);
            }
            runs[^1].Add(region);
        }
        Number(runs.Count);
        for (int i = 0; i < runs.Count; i++)
        {
            SnapshotRegion first = runs[i][0];
            WriteHead(i, (int)first.Permissions | (first.Image == null ? SnapshotFormat.UntouchedFlag : 0), first.Start, runs[i][^1].End - first.Start);
            foreach (SnapshotRegion region in runs[i])
            {
                WritePages(region.Image, region.Offset, region.Size, (region.Start - first.Start) / MemoryBlock.PageSize);
            }
            Long(SnapshotFormat.EndOfPages);
        }
    }

    void WriteHead(int number, int flags, ulong start, ulong size)
    {
        Number(number);
        Number(flags);
        Long(start);
        Long(size);
    }

    void WritePages(MemoryImage? image, ulong offset, ulong size, ulong index)
    {
        for (ulong page = 0; image != null && page < size; page += MemoryBlock.PageSize, index++)
        {
            ReadOnlySpan<byte> bytes = new(image.Pointer + offset + page, (int)MemoryBlock.PageSize);
            if (bytes.ContainsAnyExcept((byte)0))
            {
                Long(index);
                body.Write(bytes);
            }
        }
    }

    void Block(ReadOnlySpan<byte> bytes)
    {
        Number(bytes.Length);
        body.Write(bytes);
    }

    void Number(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        body.Write(bytes);
    }

    void Long(ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        body.Write(bytes);
    }
}
