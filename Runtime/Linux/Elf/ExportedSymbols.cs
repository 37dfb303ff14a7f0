using System.Text;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Elf;

/// <summary>Looks for what a loaded file exports, in its dynamic symbol table in the guest's memory.</summary>
static class ExportedSymbols
{
    const uint Magic = 0x464C457F, DynamicSegment = 2;
    const ulong StringTable = 5, SymbolTable = 6, StringSize = 10;
    const int MostHeaders = 64, MostEntries = 256, LongestName = 256;
    const ulong MostSymbols = 1 << 20;

    /// <summary>Symbols up to functions are addresses – those of no type and objects are less –, and so are functions that return the address of the function (IFUNC).</summary>
    const int Function = 2, Indirect = 10;

    /// <summary>The address of a symbol that the file at an address defines, or null. An indirect one is that of a function which chooses among several and returns the address.</summary>
    public static (ulong Address, bool IsIndirect)? Find(GuestMemory memory, ulong start, string name)
    {
        bool is64 = memory.Abi.Is64;
        int headerSize = is64 ? 64 : 52, segmentSize = is64 ? 56 : 32, symbolSize = is64 ? 24 : 16;
        byte[] header = new byte[headerSize];
        if (!memory.TryRead(start, header) || BitConverter.ToUInt32(header) != Magic)
        {
            return null;
        }

        ulong segments = start + (is64 ? BitConverter.ToUInt64(header, 32) : BitConverter.ToUInt32(header, 28));
        int count = Math.Min(MostHeaders, (int)BitConverter.ToUInt16(header, is64 ? 56 : 44));
        ulong? dynamic = null, first = null;
        byte[] segment = new byte[segmentSize];
        for (int i = 0; i < count && memory.TryRead(segments + (ulong)(i * segmentSize), segment); i++)
        {
            uint type = BitConverter.ToUInt32(segment);
            ulong address = is64 ? BitConverter.ToUInt64(segment, 16) : BitConverter.ToUInt32(segment, 8);
            first ??= type == 1 ? address & ~(AddressSpace.PageSize - 1) : null;
            dynamic ??= type == DynamicSegment ? address : null;
        }

        if (dynamic is not { } place)
        {
            return null;
        }

        ulong bias = start - (first ?? 0), strings = 0, symbols = 0, stringSize = 0;
        byte[] entry = new byte[2 * memory.Abi.WordSize];
        for (int i = 0; i < MostEntries && memory.TryRead(bias + place + (ulong)(i * entry.Length), entry); i++)
        {
            StructReader r = new(entry, memory.Abi);
            (ulong tag, ulong value) = (r.Word(), r.Word());
            if (tag == 0)
            {
                break;
            }

            // The loader has made addresses of what were distances, as a rule.
            ulong address = value < bias ? bias + value : value;
            (strings, symbols, stringSize) = tag switch
            {
                StringTable => (address, symbols, stringSize),
                SymbolTable => (strings, address, stringSize),
                StringSize => (strings, symbols, value),
                _ => (strings, symbols, stringSize),
            };
        }

        // The strings follow the symbols, as every linker has it; the table itself does not say how long it is.
        byte[] wanted = [.. Encoding.UTF8.GetBytes(name), 0];
        byte[] symbol = new byte[symbolSize], text = new byte[wanted.Length];
        if (wanted.Length > LongestName || strings <= symbols || symbols == 0)
        {
            return null;
        }

        for (ulong i = 1; i < Math.Min(MostSymbols, (strings - symbols) / (ulong)symbolSize) && memory.TryRead(symbols + i * (ulong)symbolSize, symbol); i++)
        {
            ulong nameOffset = BitConverter.ToUInt32(symbol);
            ulong value = is64 ? BitConverter.ToUInt64(symbol, 8) : BitConverter.ToUInt32(symbol, 4);
            int section = BitConverter.ToUInt16(symbol, is64 ? 6 : 14);
            int type = symbol[is64 ? 4 : 12] & 0xF;
            if (section != 0 && type is <= Function or Indirect && nameOffset < stringSize && memory.TryRead(strings + nameOffset, text) && text.AsSpan().SequenceEqual(wanted))
            {
                return (bias + value, type == Indirect);
            }
        }

        return null;
    }
}
