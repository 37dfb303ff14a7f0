using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace FastVcpu.Fuzz.Files;

/// <summary>What is around the body of a snapshot, so that one whose contents somebody has made has the right checksum.</summary>
static class SnapshotEnvelope
{
    const int HeadSize = 24, FootSize = 32, KindAt = 12, LengthAt = 16;

    public static byte[] Unpack(byte[] file)
    {
        using ZLibStream packed = new(new MemoryStream(file, HeadSize, file.Length - HeadSize - FootSize), CompressionMode.Decompress);
        using MemoryStream body = new();
        packed.CopyTo(body);
        return body.ToArray();
    }

    /// <summary>A file of a kind: 0 for machines, 1 for guests in user mode.</summary>
    public static byte[] Pack(byte[] body, byte kind)
    {
        using MemoryStream packed = new();
        using (ZLibStream stream = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            stream.Write(body);
        }
        byte[] file = [0xF7, .. "FVSN\r\n"u8, 0x1A, 1, 0, 0, 0, .. new byte[HeadSize - KindAt], .. packed.ToArray(), .. new byte[FootSize]];
        file[KindAt] = kind;
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(LengthAt), file.Length);
        SHA256.HashData(file.AsSpan(0, file.Length - FootSize), file.AsSpan(file.Length - FootSize));
        return file;
    }
}
