namespace FastVcpu.Machine.Boot;

/// <summary>Loads a Linux kernel (bzImage, zImage, or vmlinux of 64 bits) as its boot protocol says (Documentation/x86/boot.rst), for the entry points of 32 and 64 bits.</summary>
static class LinuxKernel
{
    const int HeaderStart = 0x1F1, CodeSize = 0x1F4, BootFlag = 0x1FE, Jump = 0x201, Magic = 0x202, Version = 0x206, LoadFlags = 0x211, RamDiskMax = 0x22C, ExtendedLoadFlags = 0x236;
    const int CommandLineSize = 0x238, PreferredAddress = 0x258, InitSize = 0x260, LastByte = 0x2D0;

    const uint HeaderMagic = 0x53726448; // "HdrS"
    const ushort BootSignature = 0xAA55, Version204 = 0x204, Version206 = 0x206, Version210 = 0x20A, Version212 = 0x20C;
    const byte LoadedHigh = 1;
    const ushort Has64BitEntry = 1;
    const uint LowLoad = 0x10000, HighLoad = 0x100000, Entry64Offset = 0x200;
    const uint OldRamDiskMax = 0x37FFFFFF, OldCommandLineSize = 255, NewCommandLineSize = 2047, DefaultSetupSectors = 4, SectorSize = 512, Paragraph = 16;

    public static bool IsLinux(ReadOnlySpan<byte> file) => file.Length > LastByte
        && BootMemory.Word(file, BootFlag) == BootSignature && BootMemory.Field(file, Magic) == HeaderMagic;

    /// <summary>Offset of the protected-mode code in a file.</summary>
    public static int ProtectedModeStart(ReadOnlySpan<byte> file)
    {
        ushort version = BootMemory.Word(file, Version);
        if (version < Version204)
        {
            throw new BootException($"The kernel speaks version {version >> 8}.{version & 0xFF:d2} of the boot protocol; 2.04 is the oldest that is understood.");
        }
        uint start = ((file[HeaderStart] == 0 ? DefaultSetupSectors : file[HeaderStart]) + 1) * SectorSize;
        long end = start + (long)BootMemory.Field(file, CodeSize) * Paragraph;
        return start >= file.Length ? throw new BootException("The kernel ends within its setup code.")
            : end >= file.Length + Paragraph ? throw new BootException($"The kernel's file is not whole: it has {file.Length} of {end} bytes.")
            : (int)start;
    }

    /// <summary>Loads the protected-mode code. Returns where, and the end of the memory that it needs.</summary>
    public static (uint Start, ulong End) LoadProtectedModeCode(VirtualMachine vm, ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> code = file[ProtectedModeStart(file)..];
        uint load = (file[LoadFlags] & LoadedHigh) != 0 ? HighLoad : LowLoad;
        ulong end = load + (ulong)code.Length;
        if (load == LowLoad && end > ZeroPage.Address)
        {
            throw new BootException($"The kernel is to be loaded below 640 KiB, but has {code.Length} bytes.");
        }
        BootMemory.Write(vm, load, code);
        if (BootMemory.Word(file, Version) >= Version210)
        {
            ulong needed = BootMemory.LongField(file, PreferredAddress), size = BootMemory.Field(file, InitSize);
            end = Math.Max(end, needed > ulong.MaxValue - size ? ulong.MaxValue : needed + size);
        }
        return (load, end);
    }

    /// <summary>The most bytes of a command line that a kernel takes.</summary>
    public static uint LargestCommandLine(ReadOnlySpan<byte> file) => BootMemory.Word(file, Version) >= Version206 ? BootMemory.Field(file, CommandLineSize) : OldCommandLineSize;

    /// <summary>Places the RAM disk as high as the kernel can reach it, so that it is out of the way when the kernel unpacks itself.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="ramDisk">The RAM disk.</param>
    /// <param name="file">The kernel.</param>
    /// <param name="kernelEnd">End of the memory that it needs.</param>
    /// <param name="memoryEnd">End of the memory that can be used.</param>
    public static uint PlaceRamDisk(VirtualMachine vm, byte[] ramDisk, ReadOnlySpan<byte> file, ulong kernelEnd, ulong memoryEnd) =>
        PlaceRamDisk(vm, ramDisk, kernelEnd, Math.Min(memoryEnd, (BootMemory.Field(file, RamDiskMax) is var most and not 0 ? most : OldRamDiskMax) + 1UL));

    /// <summary>Loads kernel and RAM disk, writes the zero page, and puts the processor before the kernel's first instruction.</summary>
    /// <param name="vm">The machine, with its memory.</param>
    /// <param name="cpu">The processor that starts.</param>
    /// <param name="file">The kernel.</param>
    /// <param name="options">Command line, RAM disk and entry.</param>
    /// <param name="map">The memory.</param>
    /// <param name="acpiRoot">Physical address of ACPI's root pointer; 0 when there is none.</param>
    public static void Load(VirtualMachine vm, Vcpu cpu, ReadOnlySpan<byte> file, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        (uint load, ulong end) = LoadProtectedModeCode(vm, file);
        // The setup header ends where its own jump instruction leads.
        ZeroPage page = new(file[HeaderStart..Math.Min(Magic + file[Jump], LastByte)], load);
        page.SetCommandLine(vm, options.CommandLine, LargestCommandLine(file));
        if (options.Module is { Length: > 0 } ramDisk)
        {
            page.SetRamDisk(PlaceRamDisk(vm, ramDisk, file, end, map.BelowHole), ramDisk.Length);
        }
        page.Write(vm, map, acpiRoot);

        bool has64 = BootMemory.Word(file, Version) >= Version212 && (BootMemory.Word(file, ExtendedLoadFlags) & Has64BitEntry) != 0 && cpu.Model.Has(CpuFeature.Lm);
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
        cpu.Regs.Rsi = ZeroPage.Address;
    }

    /// <summary>Loads an unpacked kernel (vmlinux) and enters it in 64 bits, as the code that unpacks it does.</summary>
    public static void LoadElf(VirtualMachine vm, Vcpu cpu, ElfImage image, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        if (options.Entry == KernelEntry.Bits32 || !cpu.Model.Has(CpuFeature.Lm))
        {
            throw new BootException("The kernel is an ELF file of 64 bits without a Multiboot header or PVH note; it has a 64-bit entry only.");
        }
        (ulong entry, ulong end) = image.Load(vm);
        ZeroPage page = new();
        page.SetCommandLine(vm, options.CommandLine, NewCommandLineSize);
        if (options.Module is { Length: > 0 } ramDisk)
        {
            page.SetRamDisk(PlaceRamDisk(vm, ramDisk, end, map.BelowHole), ramDisk.Length);
        }
        page.Write(vm, map, acpiRoot);
        LongModeEntry.Prepare(vm, cpu, entry);
        cpu.Regs.Rsi = ZeroPage.Address;
    }

    static uint PlaceRamDisk(VirtualMachine vm, byte[] ramDisk, ulong kernelEnd, ulong limit)
    {
        ulong size = BootMemory.RoundUp((ulong)ramDisk.Length);
        if (limit < size || kernelEnd > limit || limit - size < BootMemory.RoundUp(kernelEnd))
        {
            throw new BootException("The machine's memory is too small for the kernel and its RAM disk.");
        }
        ulong address = (limit - size) & ~(ulong)(BootMemory.PageSize - 1);
        BootMemory.Write(vm, address, ramDisk);
        return (uint)address;
    }
}
