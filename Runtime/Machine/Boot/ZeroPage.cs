using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Boot;

/// <summary>Linux' struct boot_params: what a loader tells the kernel that is not entered in its 16-bit code (Documentation/x86/zero-page.rst).</summary>
sealed class ZeroPage
{
    /// <summary>Where it and the command line lie: in the last pages below the video hole, out of the way of kernels that are loaded low.</summary>
    public const uint Address = 0x90000, CommandLineAddress = 0x91000;

    // Fields of the setup header, which lies at the same place in the file and in the zero page.
    const int SetupSectors = 0x1F1, BootFlag = 0x1FE, Magic = 0x202, Version = 0x206, LoaderType = 0x210, LoadFlags = 0x211, Code32Start = 0x214;
    const int RamDiskImage = 0x218, RamDiskSize = 0x21C, CommandLinePointer = 0x228, RamDiskMax = 0x22C, KernelAlignment = 0x230, CommandLineSize = 0x238;

    // Fields of the zero page alone.
    const int VideoMode = 0x06, VideoColumns = 0x07, VideoLines = 0x0E, IsVga = 0x0F, FontHeight = 0x10, AcpiRoot = 0x070, MapCount = 0x1E8, MapTable = 0x2D0;
    const int MapEntrySize = 20, Size = 0x1000, LargestCommandLine = 0xE000;
    const uint AvailableMemory = 1, ReservedMemory = 2;
    const uint HeaderMagic = 0x53726448; // "HdrS"
    const byte UndefinedLoader = 0xFF, LoadedHigh = 1;

    readonly byte[] page = new byte[Size];

    /// <summary>With the setup header of a kernel's file.</summary>
    /// <param name="header">The file from the setup header on, as far as that goes.</param>
    /// <param name="load">Where its protected-mode code has been loaded.</param>
    public ZeroPage(ReadOnlySpan<byte> header, uint load)
    {
        header.CopyTo(page.AsSpan(SetupSectors, MapTable - SetupSectors));
        Set(Code32Start, load);
        page[LoaderType] = UndefinedLoader;
    }

    /// <summary>For a kernel without such a header: with one of protocol 2.12, as a loader that unpacks a bzImage by itself leaves it.</summary>
    public ZeroPage()
    {
        const ushort Signature = 0xAA55, Version212 = 0x20C;
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(BootFlag), Signature);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(Version), Version212);
        Set(Magic, HeaderMagic);
        Set(RamDiskMax, int.MaxValue);
        Set(KernelAlignment, 0x1000000);
        Set(CommandLineSize, 2047);
        page[LoadFlags] = LoadedHigh;
        page[LoaderType] = UndefinedLoader;
    }

    /// <summary>Places the command line.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="text">The command line.</param>
    /// <param name="most">Bytes that the kernel takes.</param>
    public void SetCommandLine(VirtualMachine vm, string text, uint most)
    {
        byte[] line = [.. Encoding.UTF8.GetBytes(text), 0];
        most = Math.Min(most, LargestCommandLine);
        if (line.Length - 1 > most)
        {
            throw new BootException($"The command line has {line.Length - 1} bytes; this kernel takes {most}.");
        }
        BootMemory.Write(vm, CommandLineAddress, line);
        Set(CommandLinePointer, CommandLineAddress);
    }

    public void SetRamDisk(uint address, int length)
    {
        Set(RamDiskImage, address);
        Set(RamDiskSize, (uint)length);
    }

    /// <summary>Describes the rest of the machine, and writes the page.</summary>
    public void Write(VirtualMachine vm, MemoryMap map, ulong acpiRoot)
    {
        // The text screen of 80 × 25 that a VGA has after reset.
        (page[VideoMode], page[VideoColumns], page[VideoLines], page[IsVga], page[FontHeight]) = (3, 80, 25, 1, 16);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(AcpiRoot), acpiRoot);
        int count = 0;
        foreach ((ulong start, ulong size, bool isMemory) in map.Regions)
        {
            Span<byte> entry = page.AsSpan(MapTable + count++ * MapEntrySize);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], isMemory ? AvailableMemory : ReservedMemory);
        }
        page[MapCount] = (byte)count;
        BootMemory.Write(vm, Address, page);
    }

    void Set(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(offset), value);
}
