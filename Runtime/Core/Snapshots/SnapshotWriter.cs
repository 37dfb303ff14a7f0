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
        Number(snapshot.Slots.Length);
        foreach (SnapshotSlot slot in snapshot.Slots)
        {
            Number(slot.Number);
            Number(slot.IsReadOnly ? SnapshotFormat.ReadOnlyFlag : 0);
            Long(slot.Start);
            Long(slot.Image.Size);
            for (ulong page = 0; page < slot.Image.Size; page += MemoryBlock.PageSize)
            {
                ReadOnlySpan<byte> bytes = new(slot.Image.Pointer + page, (int)MemoryBlock.PageSize);
                if (bytes.ContainsAnyExcept((byte)0))
                {
                    Long(page / MemoryBlock.PageSize);
                    body.Write(bytes);
                }
            }
            Long(SnapshotFormat.EndOfPages);
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
