using System.Buffers.Binary;

namespace FastVcpu.Fuzz.Files;

/// <summary>Makes small kernels as boot protocols want them.</summary>
static class KernelFiles
{
    const uint Magic1 = 0x1BADB002, Magic2 = 0xE85250D6;

    /// <summary>Where the kernel begins behind the code for real mode.</summary>
    public const int Setup = 2 * 512;

    /// <summary>A Linux kernel of protocol 2.15 with the same code at the entries of 32 and of 64 bits.</summary>
    public static byte[] Linux(byte[] code)
    {
        byte[] kernel = new byte[Setup + 4096];
        kernel[0x1F1] = 1;
        (kernel[0x1FE], kernel[0x1FF]) = (0x55, 0xAA);
        (kernel[0x200], kernel[0x201]) = (0xEB, 0x66);
        "HdrS"u8.CopyTo(kernel.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(kernel.AsSpan(0x206), 0x20F);
        kernel[0x211] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(0x22C), 0x7FFFFFFF);
        kernel[0x236] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(0x238), 2047);
        BinaryPrimitives.WriteUInt64LittleEndian(kernel.AsSpan(0x258), 0x100000);
        BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(0x260), 0x10000);
        code.CopyTo(kernel, Setup);
        code.CopyTo(kernel, Setup + 0x200);
        return kernel;
    }

    /// <summary>A header of Multiboot 1 with further fields.</summary>
    public static byte[] Multiboot1(uint flags = 0, params uint[] fields) => Bytes([Magic1, flags, unchecked(0u - Magic1 - flags), .. fields]);

    /// <summary>A header of Multiboot 2 with tags, each given as type, flags, size and the rest in units of 32 bits.</summary>
    public static byte[] Multiboot2(params uint[][] tags)
    {
        List<byte> bytes = [];
        foreach (uint[] tag in tags.Append([0, 0, 8]))
        {
            bytes.AddRange([.. Bytes([tag[0] | tag[1] << 16, tag[2]]), .. Bytes(tag[3..])]);
            bytes.AddRange(new byte[-bytes.Count & 7]);
        }
        uint length = 16 + (uint)bytes.Count;
        return [.. Bytes([Magic2, 0, length, unchecked(0u - Magic2 - length)]), .. bytes];
    }

    /// <summary>A PVH note; it is followed by nothing.</summary>
    public static byte[] Note(uint entry) => [4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, .. "Xen\0"u8, .. BitConverter.GetBytes(entry)];

    static byte[] Bytes(uint[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
