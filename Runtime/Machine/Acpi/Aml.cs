using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Acpi;

/// <summary>Terms of the ACPI machine language (ACPI 6.5, chapter 20), as far as a static description of a PC needs them.</summary>
static class Aml
{
    const byte NameOp = 0x08, BytePrefix = 0x0A, WordPrefix = 0x0B, DWordPrefix = 0x0C, ScopeOp = 0x10, BufferOp = 0x11, PackageOp = 0x12, ExtendedPrefix = 0x5B, DeviceOp = 0x82;
    const byte PortDescriptor = 0x47, InterruptDescriptor = 0x22, EndTag = 0x79, WordRange = 0x88, DWordRange = 0x87, Decode16 = 1;
    const byte MinimumFixed = 4, MaximumFixed = 8;

    public static byte[] Name(string name, byte[] value) => [NameOp, .. Encoding.ASCII.GetBytes(name), .. value];

    public static byte[] Scope(string name, params byte[][] terms) => [ScopeOp, .. WithLength([.. Encoding.ASCII.GetBytes(name), .. terms.SelectMany(term => term)])];

    public static byte[] Device(string name, params byte[][] terms) =>
        [ExtendedPrefix, DeviceOp, .. WithLength([.. Encoding.ASCII.GetBytes(name), .. terms.SelectMany(term => term)])];

    public static byte[] Package(params byte[][] elements) => [PackageOp, .. WithLength([(byte)elements.Length, .. elements.SelectMany(element => element)])];

    public static byte[] Integer(uint value) => value switch
    {
        <= 1 => [(byte)value],
        <= byte.MaxValue => [BytePrefix, (byte)value],
        <= ushort.MaxValue => [WordPrefix, (byte)value, (byte)(value >> 8)],
        _ => [DWordPrefix, .. Bytes(value)],
    };

    /// <summary>A Plug and Play identifier such as PNP0A03, compressed: three letters of five bits, four hexadecimal digits.</summary>
    public static byte[] EisaId(string id)
    {
        int letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');
        int product = Convert.ToInt32(id[3..], 16);
        return [DWordPrefix, (byte)(letters >> 8), (byte)letters, (byte)(product >> 8), (byte)product];
    }

    public static byte[] Resources(params byte[][] descriptors)
    {
        byte[] template = [.. descriptors.SelectMany(descriptor => descriptor), EndTag, 0];
        return [BufferOp, .. WithLength([.. Integer((uint)template.Length), .. template])];
    }

    public static byte[] Ports(ushort first, byte count) => [PortDescriptor, Decode16, (byte)first, (byte)(first >> 8), (byte)first, (byte)(first >> 8), 1, count];

    public static byte[] Interrupt(int line) => [InterruptDescriptor, (byte)(1 << line), (byte)(1 << line >> 8)];

    public static byte[] BusRange(ushort first, ushort last) => Words(2, 0, first, last);

    public static byte[] PortRange(ushort first, ushort last) => Words(1, 3, first, last);

    public static byte[] MemoryRange(uint first, uint last) =>
        [DWordRange, 23, 0, 0, MinimumFixed | MaximumFixed, 1, .. Bytes(0), .. Bytes(first), .. Bytes(last), .. Bytes(0), .. Bytes(last - first + 1)];

    static byte[] Words(byte type, byte flags, ushort first, ushort last)
    {
        byte[] words = new byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(words.AsSpan(2), first);
        BinaryPrimitives.WriteUInt16LittleEndian(words.AsSpan(4), last);
        BinaryPrimitives.WriteUInt16LittleEndian(words.AsSpan(8), (ushort)(last - first + 1));
        return [WordRange, 13, 0, type, MinimumFixed | MaximumFixed, flags, .. words];
    }

    static byte[] Bytes(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>A package length counts itself: one byte up to 63, then four bits in the first byte and eight in each of the next.</summary>
    static byte[] WithLength(byte[] body)
    {
        int size = body.Length;
        return size + 1 < 1 << 6 ? [(byte)(size + 1), .. body]
            : size + 2 < 1 << 12 ? [(byte)(0x40 | (size + 2) & 15), (byte)((size + 2) >> 4), .. body]
            : [(byte)(0x80 | (size + 3) & 15), (byte)((size + 3) >> 4), (byte)((size + 3) >> 12), .. body];
    }
}
