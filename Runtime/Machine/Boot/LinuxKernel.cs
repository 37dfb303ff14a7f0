using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Boot;

/// <summary>Loads a Linux kernel (bzImage, zImage) as its boot protocol says (Documentation/x86/boot.rst), for the entry points of 32 and 64 bits.</summary>
static class LinuxKernel
{
    /// <summary>Where the zero page (struct boot_params) and the command line lie.</summary>
    const uint ParametersAddress = 0x10000, CommandLineAddress = 0x20000;

    // Fields of the setup header, which lies at the same place in the file and in the zero page.
    const int SetupSectors = 0x1F1, BootFlag = 0x1FE, Jump = 0x201, Magic = 0x202, Version = 0x206, LoaderType = 0x210, LoadFlags = 0x211, Code32Start = 0x214;
    const int RamDiskImage = 0x218, RamDiskSize = 0x21C, CommandLinePointer = 0x228, RamDiskMax = 0x22C, ExtendedLoadFlags = 0x236, CommandLineSize = 0x238;
    const int PreferredAddress = 0x258, InitSize = 0x260;

    // Fields of the zero page alone.
    const int VideoMode = 0x06, VideoColumns = 0x07, VideoLines = 0x0E, IsVga = 0x0F, FontHeight = 0x10, AcpiRoot = 0x070, MapCount = 0x1E8, MapTable = 0x2D0;
    const int MapEntrySize = 20, ParametersSize = 0x1000;

    const uint HeaderMagic = 0x53726448; // "HdrS"
    const ushort BootSignature = 0xAA55, Version204 = 0x204, Version206 = 0x206, Version210 = 0x20A, Version212 = 0x20C;
    const byte LoadedHigh = 1, UndefinedLoader = 0xFF;
    const ushort Has64BitEntry = 1;
    const uint LowLoad = 0x10000, HighLoad = 0x100000, Entry64Offset = 0x200;
    const uint OldRamDiskMax = 0x37FFFFFF, OldCommandLineSize = 255, DefaultSetupSectors = 4, SectorSize = 512;
    const uint AvailableMemory = 1, ReservedMemory = 2;

    public static bool IsLinux(ReadOnlySpan<byte> file) => file.Length > MapTable
        && BootMemory.Word(file, BootFlag) == BootSignature && BootMemory.Field(file, Magic) == HeaderMagic;

    /// <summary>Loads kernel and RAM disk, writes the zero page, and puts the processor before the kernel's first instruction.</summary>
    /// <param name="vm">The machine, with its memory.</param>
    /// <param name="cpu">The processor that starts.</param>
    /// <param name="file">The kernel.</param>
    /// <param name="options">Command line, RAM disk and entry.</param>
    /// <param name="map">The memory.</param>
    /// <param name="acpiRoot">Physical address of ACPI's root pointer; 0 when there is none.</param>
    public static void Load(VirtualMachine vm, Vcpu cpu, ReadOnlySpan<byte> file, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        ushort version = BootMemory.Word(file, Version);
        if (version < Version204)
        {
            throw new BootException($"The kernel speaks version {version >> 8}.{version & 0xFF:d2} of the boot protocol; 2.04 is the oldest that is understood.");
        }
        uint setupSectors = file[SetupSectors] == 0 ? DefaultSetupSectors : file[SetupSectors];
        long start = (setupSectors + 1) * SectorSize;
        if (start >= file.Length)
        {
            throw new BootException("The kernel ends within its setup code.");
        }
        uint load = (file[LoadFlags] & LoadedHigh) != 0 ? HighLoad : LowLoad;
        BootMemory.Write(vm, load, file[(int)start..]);
        ulong end = load + (ulong)(file.Length - start);
        if (version >= Version210)
        {
            end = Math.Max(end, BootMemory.LongField(file, PreferredAddress) + BootMemory.Field(file, InitSize));
        }

        byte[] parameters = new byte[ParametersSize];
        // The setup header ends where its own jump instruction leads.
        int headerEnd = Math.Min(Magic + file[Jump], MapTable);
        file[SetupSectors..headerEnd].CopyTo(parameters.AsSpan(SetupSectors));
        parameters[LoaderType] = UndefinedLoader;
        Set(parameters, Code32Start, load);
        Set(parameters, CommandLinePointer, WriteCommandLine(vm, options.CommandLine, version >= Version206 ? BootMemory.Field(file, CommandLineSize) : OldCommandLineSize));
        if (options.Module is { Length: > 0 } ramDisk)
        {
            ulong limit = Math.Min(map.BelowHole, BootMemory.Field(file, RamDiskMax) is var most and not 0 ? most + 1UL : OldRamDiskMax + 1UL);
            Set(parameters, RamDiskImage, PlaceRamDisk(vm, ramDisk, end, limit));
            Set(parameters, RamDiskSize, (uint)ramDisk.Length);
        }
        DescribeScreen(parameters);
        BinaryPrimitives.WriteUInt64LittleEndian(parameters.AsSpan(AcpiRoot), acpiRoot);
        DescribeMemory(parameters, map);
        BootMemory.Write(vm, ParametersAddress, parameters);

        bool has64 = version >= Version212 && (BootMemory.Word(file, ExtendedLoadFlags) & Has64BitEntry) != 0 && cpu.Model.Has(CpuFeature.Lm);
        if (options.Entry == KernelEntry.Bits64 && !has64)
        {
            throw new BootException("The kernel or the CPU model has no 64-bit entry.");
        }
        if (has64 && options.Entry != KernelEntry.Bits32)
        {
            LongModeEntry.Prepare(vm, cpu, load + Entry64Offset);
        }
        else
        {
            ProtectedModeEntry.Prepare(vm, cpu, load);
        }
        cpu.Regs.Rsi = ParametersAddress;
    }

    static uint WriteCommandLine(VirtualMachine vm, string text, uint most)
    {
        byte[] line = [.. Encoding.UTF8.GetBytes(text), 0];
        if (line.Length - 1 > Math.Min(most, 0xFFFF))
        {
            throw new BootException($"The command line has {line.Length - 1} bytes; this kernel takes {most}.");
        }
        BootMemory.Write(vm, CommandLineAddress, line);
        return CommandLineAddress;
    }

    /// <summary>As high as the kernel can reach it, so that it is out of the way when the kernel unpacks itself.</summary>
    static uint PlaceRamDisk(VirtualMachine vm, byte[] ramDisk, ulong kernelEnd, ulong limit)
    {
        ulong size = BootMemory.RoundUp((ulong)ramDisk.Length);
        if (limit < size || limit - size < BootMemory.RoundUp(kernelEnd))
        {
            throw new BootException("The machine's memory is too small for the kernel and its RAM disk.");
        }
        ulong address = (limit - size) & ~(ulong)(BootMemory.PageSize - 1);
        BootMemory.Write(vm, address, ramDisk);
        return (uint)address;
    }

    /// <summary>The text screen of 80 × 25 that a VGA has after reset.</summary>
    static void DescribeScreen(byte[] parameters)
    {
        parameters[VideoMode] = 3;
        parameters[VideoColumns] = 80;
        parameters[VideoLines] = 25;
        parameters[IsVga] = 1;
        parameters[FontHeight] = 16;
    }

    static void DescribeMemory(byte[] parameters, MemoryMap map)
    {
        int count = 0;
        foreach ((ulong start, ulong size, bool isMemory) in map.Regions)
        {
            Span<byte> entry = parameters.AsSpan(MapTable + count++ * MapEntrySize);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], isMemory ? AvailableMemory : ReservedMemory);
        }
        parameters[MapCount] = (byte)count;
    }

    static void Set(byte[] parameters, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(parameters.AsSpan(offset), value);
}
