using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Gdb.Tests;

/// <summary>A file that tells gdb the names of functions and nothing else: a section without contents, and symbols in it.</summary>
static class SymbolFile
{
    const int HeaderSize = 64, SectionSize = 64, SymbolSize = 24, Sections = 4;
    const int NoBits = 8, SymbolTable = 2, StringTable = 3, AllocatedCode = 6;
    const byte GlobalFunction = 0x12;

    /// <summary>The text of .shstrtab, and where the names of the sections begin in it.</summary>
    const string SectionNames = "\0.text\0.symtab\0.strtab\0";

    public static byte[] Build(IReadOnlyList<(string Name, ulong Address)> functions)
    {
        ulong start = functions.Min(function => function.Address), end = functions.Max(function => function.Address) + 0x1000;
        StringBuilder strings = new(SectionNames);
        byte[] symbols = new byte[(functions.Count + 1) * SymbolSize];
        for (int i = 0; i < functions.Count; i++)
        {
            Span<byte> symbol = symbols.AsSpan((i + 1) * SymbolSize);
            BinaryPrimitives.WriteInt32LittleEndian(symbol, strings.Length);
            symbol[4] = GlobalFunction;
            symbol[6] = 1;
            BinaryPrimitives.WriteUInt64LittleEndian(symbol[8..], functions[i].Address);
            strings.Append(functions[i].Name).Append('\0');
        }
        byte[] text = Encoding.ASCII.GetBytes(strings.ToString());
        int symbolsAt = HeaderSize + Sections * SectionSize, textAt = symbolsAt + symbols.Length;
        byte[] file = new byte[textAt + text.Length];
        new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(file, 0);
        Words(file.AsSpan(16), [2 | 62 << 16, 1]);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(40), HeaderSize);
        Words(file.AsSpan(52), [HeaderSize, SectionSize << 16, Sections | Sections - 1 << 16]);
        Section(1, SectionNames.IndexOf(".text"), NoBits, AllocatedCode, start, symbolsAt, (long)(end - start));
        Section(2, SectionNames.IndexOf(".symtab"), SymbolTable, 0, 0, symbolsAt, symbols.Length, link: Sections - 1, info: 1, entry: SymbolSize);
        Section(3, SectionNames.IndexOf(".strtab"), StringTable, 0, 0, textAt, text.Length);
        symbols.CopyTo(file, symbolsAt);
        text.CopyTo(file, textAt);
        return file;

        void Section(int index, int name, int type, long flags, ulong address, long offset, long size, int link = 0, int info = 0, long entry = 0)
        {
            Span<byte> header = file.AsSpan(HeaderSize + index * SectionSize, SectionSize);
            Words(header, [name, type]);
            long[] fields = [flags, (long)address, offset, size, (long)info << 32 | (uint)link, 16, entry];
            for (int i = 0; i < fields.Length; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(header[(8 + 8 * i)..], fields[i]);
            }
        }
    }

    static void Words(Span<byte> bytes, ReadOnlySpan<int> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[(4 * i)..], values[i]);
        }
    }
}
