using System.Buffers.Binary;
using System.IO.Compression;

namespace FastVcpu.Machine.Devices;

/// <summary>Writes pictures of 16 colours as PNG (ISO/IEC 15948): header, palette, and the compressed rows.</summary>
static class PngFile
{
    const uint Polynomial = 0xEDB88320;
    const byte BitDepth = 4, PaletteColors = 3;

    /// <summary>Makes a file.</summary>
    /// <param name="width">Pixels of a row; even.</param>
    /// <param name="pixels">Rows of colours, a byte each.</param>
    /// <param name="palette">The colours as 0RGB.</param>
    public static byte[] Make(int width, ReadOnlySpan<byte> pixels, ReadOnlySpan<uint> palette)
    {
        using MemoryStream file = new();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], pixels.Length / width);
        (header[8], header[9]) = (BitDepth, PaletteColors);
        Chunk(file, "IHDR"u8, header);
        byte[] colors = new byte[palette.Length * 3];
        for (int i = 0; i < palette.Length; i++)
        {
            (colors[i * 3], colors[i * 3 + 1], colors[i * 3 + 2]) = ((byte)(palette[i] >> 16), (byte)(palette[i] >> 8), (byte)palette[i]);
        }
        Chunk(file, "PLTE"u8, colors);
        Chunk(file, "IDAT"u8, Compress(width, pixels));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>Each row begins with the number of its filter: none.</summary>
    static byte[] Compress(int width, ReadOnlySpan<byte> pixels)
    {
        using MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal))
        {
            byte[] row = new byte[1 + width / 2];
            for (; pixels.Length >= width; pixels = pixels[width..])
            {
                for (int i = 0; i < width / 2; i++)
                {
                    row[1 + i] = (byte)(pixels[i * 2] << 4 | pixels[i * 2 + 1]);
                }
                zlib.Write(row);
            }
        }
        return compressed.ToArray();
    }

    static void Chunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(type);
        file.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Sum(Sum(uint.MaxValue, type), content));
        file.Write(number);
    }

    static uint Sum(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = sum >> 1 ^ ((sum & 1) != 0 ? Polynomial : 0);
            }
        }
        return sum;
    }
}
