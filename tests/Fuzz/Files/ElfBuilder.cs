namespace FastVcpu.Fuzz.Files;

/// <summary>Makes ELF kernels and programs of one segment, in which everything lies, at 1 MiB.</summary>
static class ElfBuilder
{
    public const uint Base = 0x100000, ContentOffset = 0x100;

    /// <summary>Makes a file.</summary>
    /// <param name="is64">Of 64 bits.</param>
    /// <param name="content">What stands at <see cref="ContentOffset"/>, where the entry is.</param>
    /// <param name="note">A PT_NOTE segment of the content, by offset and length in it.</param>
    /// <param name="symbols">A section that is in no segment.</param>
    /// <param name="upper">How far virtual addresses are above physical ones.</param>
    public static byte[] Build(bool is64, byte[] content, (int Offset, int Length)? note = null, byte[]? symbols = null, uint upper = 0xC0000000)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        ulong end = ContentOffset + (ulong)content.Length, sections = end + (ulong)(symbols?.Length ?? 0);
        void Address(ulong value)
        {
            if (is64)
            {
                writer.Write(value);
            }
            else
            {
                writer.Write((uint)value);
            }
        }

        void Segment(uint type, ulong offset, ulong length, ulong memory)
        {
            writer.Write(type);
            if (is64)
            {
                writer.Write(5u);
            }
            ulong[] fields = [offset, upper + Base + offset, Base + offset, length, memory];
            Array.ForEach(fields, Address);
            if (!is64)
            {
                writer.Write(5u);
            }
            Address(4);
        }

        void Section(uint type, ulong offset, ulong length)
        {
            writer.Write(0u);
            writer.Write(type);
            ulong[] fields = [0, 0, offset, length];
            Array.ForEach(fields, Address);
            writer.Write(0UL);
            Address(1);
            Address(0);
        }

        writer.Write([0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(is64 ? 2 : 1), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write((ushort)2);
        writer.Write((ushort)(is64 ? 62 : 3));
        writer.Write(1u);
        Address(Base + ContentOffset);
        Address(is64 ? 64u : 52);
        Address(symbols == null ? 0 : sections);
        writer.Write(0u);
        int[] sizes = [is64 ? 64 : 52, is64 ? 56 : 32, note == null ? 1 : 2, is64 ? 64 : 40, symbols == null ? 0 : 2, 0];
        Array.ForEach(sizes, size => writer.Write((ushort)size));
        Segment(1, 0, end, end + 0x1000);
        if (note is { } place)
        {
            Segment(4, ContentOffset + (ulong)place.Offset, (ulong)place.Length, (ulong)place.Length);
        }
        writer.Write(new byte[ContentOffset - stream.Length]);
        writer.Write(content);
        if (symbols != null)
        {
            writer.Write(symbols);
            Section(0, 0, 0);
            Section(2, end, (ulong)symbols.Length);
        }
        return stream.ToArray();
    }
}
