using System.Buffers.Binary;

namespace FastVcpu.Machine.Boot;

/// <summary>An ELF executable, of 32 or 64 bits, that is loaded at its physical addresses. What its headers say is checked where it is used.</summary>
sealed class ElfImage
{
    const int HeaderSize32 = 52, HeaderSize64 = 64, ProgramHeaderSize32 = 32, ProgramHeaderSize64 = 56, SectionHeaderSize32 = 40, SectionHeaderSize64 = 64, MostHeaders = 1024;
    const uint Magic = 0x464C457F, LoadSegment = 1, NoteSegment = 4, NoBits = 8;
    const byte Class32 = 1, Class64 = 2, LittleEndian = 1;

    readonly byte[] file;
    readonly ulong programTable, sectionTable;
    readonly int programHeaderSize, programHeaders;

    /// <summary>Reads the headers.</summary>
    /// <param name="file">The file.</param>
    public ElfImage(byte[] file)
    {
        this.file = file;
        Is64 = file.Length > 4 && file[4] == Class64;
        if (file.Length < (Is64 ? HeaderSize64 : HeaderSize32) || (!Is64 && file[4] != Class32) || file[5] != LittleEndian)
        {
            throw new BootException("The kernel is an ELF file, but not a whole one of 32 or 64 bits, little-endian.");
        }
        Entry = Address(24);
        programTable = Address(Is64 ? 32 : 28);
        sectionTable = Address(Is64 ? 40 : 32);
        int sizes = Is64 ? 54 : 42;
        programHeaderSize = BootMemory.Word(file, sizes);
        programHeaders = BootMemory.Word(file, sizes + 2);
        SectionHeaderSize = BootMemory.Word(file, sizes + 4);
        SectionCount = BootMemory.Word(file, sizes + 6);
        NameSection = BootMemory.Word(file, sizes + 8);
        if (programHeaderSize < (Is64 ? ProgramHeaderSize64 : ProgramHeaderSize32) || programHeaders > MostHeaders || !Lies(programTable, (ulong)(programHeaderSize * programHeaders)))
        {
            throw new BootException("The kernel's program headers do not lie in the file.");
        }
        if (SectionHeaderSize < (Is64 ? SectionHeaderSize64 : SectionHeaderSize32) || !Lies(sectionTable, (ulong)(SectionHeaderSize * SectionCount)))
        {
            SectionCount = 0;
        }
    }

    /// <summary>A part of the file that is loaded.</summary>
    readonly record struct Segment(uint Type, ulong Offset, ulong Linear, ulong Physical, ulong Length, ulong Memory);

    public bool Is64 { get; }

    /// <summary>The entry as the header states it.</summary>
    public ulong Entry { get; }

    /// <summary>Bytes of a section header.</summary>
    public int SectionHeaderSize { get; }

    /// <summary>Number of sections; 0 when their headers do not lie in the file.</summary>
    public int SectionCount { get; }

    /// <summary>The section with the names of the sections.</summary>
    public int NameSection { get; }

    /// <summary>The headers of the sections.</summary>
    public ReadOnlySpan<byte> SectionHeaders => file.AsSpan((int)sectionTable, SectionHeaderSize * SectionCount);

    public static bool IsElf(ReadOnlySpan<byte> file) => file.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(file) == Magic;

    /// <summary>Loads the segments. Returns the physical entry and the end of what has been loaded.</summary>
    public (ulong Entry, ulong End) Load(VirtualMachine vm)
    {
        ulong end = 0, physicalEntry = Entry;
        bool entryIsVirtual = true;
        foreach (Segment segment in Segments().Where(segment => segment.Type == LoadSegment && segment.Memory != 0))
        {
            if (!Lies(segment.Offset, segment.Length) || segment.Memory < segment.Length || segment.Physical + segment.Memory < segment.Memory)
            {
                throw new BootException("A segment of the kernel does not lie in the file.");
            }
            BootMemory.Write(vm, segment.Physical, file.AsSpan((int)segment.Offset, (int)segment.Length));
            BootMemory.Clear(vm, segment.Physical + segment.Length, segment.Memory - segment.Length);
            end = Math.Max(end, segment.Physical + segment.Memory);
            // The entry is a physical address, unless it lies in a segment's linear addresses only.
            entryIsVirtual &= Entry - segment.Physical >= segment.Memory;
            physicalEntry = Entry - segment.Linear < segment.Memory ? Entry - segment.Linear + segment.Physical : physicalEntry;
        }
        return end == 0 ? throw new BootException("The kernel has no segment to load.") : (entryIsVirtual ? physicalEntry : Entry, end);
    }

    /// <summary>What a note says: its first four or eight bytes as a number; null when there is no such note.</summary>
    public ulong? FindNote(ReadOnlySpan<byte> owner, uint type)
    {
        const int NoteHeaderSize = 12;
        foreach (Segment segment in Segments().Where(segment => segment.Type == NoteSegment && Lies(segment.Offset, segment.Length)))
        {
            ReadOnlySpan<byte> notes = file.AsSpan((int)segment.Offset, (int)segment.Length);
            while (notes.Length >= NoteHeaderSize)
            {
                ulong nameSize = BootMemory.Field(notes, 0), size = BootMemory.Field(notes, 4);
                ulong content = NoteHeaderSize + RoundUp(nameSize), next = content + RoundUp(size);
                if (content + size > (ulong)notes.Length)
                {
                    break;
                }
                bool isIt = BootMemory.Field(notes, 8) == type && notes.Slice(NoteHeaderSize, (int)nameSize).SequenceEqual(owner);
                if (isIt && size >= sizeof(uint))
                {
                    return size >= sizeof(ulong) ? BootMemory.LongField(notes, (long)content) : BootMemory.Field(notes, (long)content);
                }
                notes = notes[(int)Math.Min(next, (ulong)notes.Length)..];
            }
        }
        return null;
    }

    /// <summary>The contents of a section that is not loaded with a segment, such as the symbols; empty when it is loaded, or has no contents in the file.</summary>
    public ReadOnlySpan<byte> UnloadedSection(int index)
    {
        ReadOnlySpan<byte> header = SectionHeaders[(index * SectionHeaderSize)..];
        ulong address = Is64 ? BootMemory.LongField(header, 16) : BootMemory.Field(header, 12);
        ulong offset = Is64 ? BootMemory.LongField(header, 24) : BootMemory.Field(header, 16), size = Is64 ? BootMemory.LongField(header, 32) : BootMemory.Field(header, 20);
        return address != 0 || BootMemory.Field(header, 4) is 0 or NoBits || !Lies(offset, size) ? [] : file.AsSpan((int)offset, (int)size);
    }

    /// <summary>Writes into a copy of the headers where a section has been placed.</summary>
    public void PlaceSection(Span<byte> headers, int index, uint address)
    {
        Span<byte> header = headers[(index * SectionHeaderSize)..];
        BinaryPrimitives.WriteUInt32LittleEndian(header[(Is64 ? 16 : 12)..], address);
    }

    IEnumerable<Segment> Segments()
    {
        for (int i = 0; i < programHeaders; i++)
        {
            long at = (long)programTable + i * programHeaderSize;
            uint type = BootMemory.Field(file, at);
            yield return Is64
                ? new(type, Address(at + 8), Address(at + 16), Address(at + 24), Address(at + 32), Address(at + 40))
                : new(type, Address(at + 4), Address(at + 8), Address(at + 12), Address(at + 16), Address(at + 20));
        }
    }

    ulong Address(long offset) => Is64 ? BootMemory.LongField(file, offset) : BootMemory.Field(file, offset);

    bool Lies(ulong offset, ulong length) => offset <= (ulong)file.Length && length <= (ulong)file.Length - offset;

    static ulong RoundUp(ulong size) => (size + 3) & ~3UL;
}
