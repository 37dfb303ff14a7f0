using System.Buffers.Binary;

namespace FastVcpu.Machine.Boot;

/// <summary>Loads an ELF executable of 32 bits at its physical addresses.</summary>
static class ElfKernel
{
    const int HeaderSize = 52, ProgramHeaderSize = 32, MostHeaders = 1024;
    const uint Magic = 0x464C457F, LoadSegment = 1;
    const byte Class32 = 1, LittleEndian = 1;

    public static bool IsElf(ReadOnlySpan<byte> file) => file.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(file) == Magic;

    public static (uint Entry, uint End) Load(VirtualMachine vm, ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderSize || file[4] != Class32 || file[5] != LittleEndian)
        {
            throw new BootException("The kernel is an ELF file, but not a whole one of 32 bits, little-endian.");
        }
        uint entry = BootMemory.Field(file, 24), table = BootMemory.Field(file, 28);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(file[42..]), count = BinaryPrimitives.ReadUInt16LittleEndian(file[44..]);
        if (size < ProgramHeaderSize || count > MostHeaders || table + (ulong)size * (ulong)count > (ulong)file.Length)
        {
            throw new BootException("The kernel's program headers do not lie in the file.");
        }
        uint end = 0;
        bool entryIsVirtual = true;
        uint physicalEntry = entry;
        for (int i = 0; i < count; i++)
        {
            int header = (int)table + i * size;
            if (BootMemory.Field(file, header) != LoadSegment)
            {
                continue;
            }
            uint offset = BootMemory.Field(file, header + 4), linear = BootMemory.Field(file, header + 8), physical = BootMemory.Field(file, header + 12);
            uint length = BootMemory.Field(file, header + 16), memory = BootMemory.Field(file, header + 20);
            if ((ulong)offset + length > (ulong)file.Length || memory < length)
            {
                throw new BootException("A segment of the kernel does not lie in the file.");
            }
            BootMemory.Write(vm, physical, file.Slice((int)offset, (int)length));
            BootMemory.Clear(vm, physical + length, memory - length);
            end = Math.Max(end, physical + memory);
            // The entry is a physical address, unless it lies in a segment's linear addresses only.
            entryIsVirtual &= entry - physical >= memory;
            physicalEntry = entry - linear < memory ? entry - linear + physical : physicalEntry;
        }
        return end == 0 ? throw new BootException("The kernel has no segment to load.") : (entryIsVirtual ? physicalEntry : entry, end);
    }
}
