using System.Buffers.Binary;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Boot;

/// <summary>
/// Starts a Linux kernel from firmware, in its 16-bit code, which calls the BIOS: kernel and RAM disk lie in memory already; an option ROM, which the firmware finds in the firmware
/// configuration device and boots from first, fetches the setup code and jumps to it.
/// </summary>
static class LinuxBootRom
{
    const string FileName = "genroms/linuxboot.bin";

    // Items of the firmware configuration device, with the numbers that QEMU gives them.
    const int CommandLineItem = 0x15, SetupItem = 0x18;

    // Fields of the setup header.
    const int LoaderType = 0x210, LoadFlags = 0x211, Code32Start = 0x214, RamDiskImage = 0x218, RamDiskSize = 0x21C, HeapEnd = 0x224, CommandLinePointer = 0x228;
    const byte UndefinedLoader = 0xFF, CanUseHeap = 0x80;

    // The real-mode segment: setup code, heap and stack, command line.
    const uint Segment = 0x10000;
    const ushort StackEnd = 0xE000, HeapEndOffset = 0x200, LargestCommandLine = 0x1F00;

    /// <summary>Memory at the end that the firmware uses for itself.</summary>
    const ulong FirmwareMemory = 4 << 20;

    const int RomSize = 512, HeaderPointer = 0x1A, Header = 0x20, BootEntry = 0x40;

    /// <summary>Loads the kernel, and gives the firmware the ROM that starts it.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="configuration">Where the firmware finds the ROM.</param>
    /// <param name="options">Kernel, RAM disk and command line.</param>
    /// <param name="map">The memory.</param>
    public static void Publish(VirtualMachine vm, FirmwareConfiguration configuration, BootOptions options, MemoryMap map)
    {
        byte[] kernel = options.Kernel!;
        if (!LinuxKernel.IsLinux(kernel) || options.Entry is KernelEntry.Bits32 or KernelEntry.Bits64)
        {
            throw new BootException("Firmware starts Linux kernels only, in their 16-bit code.");
        }
        byte[] setup = kernel[..LinuxKernel.ProtectedModeStart(kernel)];
        (uint load, ulong end) = LinuxKernel.LoadProtectedModeCode(vm, kernel);
        byte[] commandLine = [.. System.Text.Encoding.UTF8.GetBytes(options.CommandLine), 0];
        uint most = Math.Min(LargestCommandLine, LinuxKernel.LargestCommandLine(kernel));
        if (load < Segment + ushort.MaxValue || setup.Length > StackEnd / 2)
        {
            throw new BootException("The kernel is too old, or its setup code too large, to be started by firmware.");
        }
        if (commandLine.Length - 1 > most)
        {
            throw new BootException($"The command line has {commandLine.Length - 1} bytes; this kernel takes {most}.");
        }
        setup[LoaderType] = UndefinedLoader;
        setup[LoadFlags] |= CanUseHeap;
        Set(setup, Code32Start, load);
        Set(setup, CommandLinePointer, Segment + StackEnd);
        BinaryPrimitives.WriteUInt16LittleEndian(setup.AsSpan(HeapEnd), StackEnd - HeapEndOffset);
        if (options.Module is { Length: > 0 } ramDisk)
        {
            Set(setup, RamDiskImage, LinuxKernel.PlaceRamDisk(vm, ramDisk, kernel, end, map.BelowHole - Math.Min(map.BelowHole, FirmwareMemory)));
            Set(setup, RamDiskSize, (uint)ramDisk.Length);
        }
        configuration.AddItem(SetupItem, setup);
        configuration.AddItem(CommandLineItem, commandLine);
        configuration.AddFile(FileName, Rom((ushort)setup.Length, (ushort)commandLine.Length));
        configuration.AddFile("bootorder", [.. "/rom@"u8, .. System.Text.Encoding.ASCII.GetBytes(FileName), (byte)'\n', 0]);
    }

    /// <summary>An option ROM with a Plug and Play header (BIOS Boot Specification 1.01), which names an entry to boot from.</summary>
    static byte[] Rom(ushort setupSize, ushort commandLineSize)
    {
        byte[] rom = new byte[RomSize];
        ReadOnlySpan<byte> begin = [0x55, 0xAA, RomSize / 512, 0xCB /* retf: nothing to be initialised */];
        begin.CopyTo(rom);
        rom[HeaderPointer] = Header;
        ReadOnlySpan<byte> header = [(byte)'$', (byte)'P', (byte)'n', (byte)'P', 1, 2];
        header.CopyTo(rom.AsSpan(Header));
        const int BootEntryField = 26, HeaderChecksum = 9, HeaderSize = 32;
        rom[Header + BootEntryField] = BootEntry;
        ReadOnlySpan<byte> code =
        [
            0xFA, 0xFC,                                         // cli; cld
            0xB8, 0x00, 0x10, 0x8E, 0xC0,                       // mov ax, 1000h; mov es, ax
            0x31, 0xFF,                                         // xor di, di
            0xBA, 0x10, 0x05, 0xB8, SetupItem, 0x00, 0xEF,      // mov dx, 510h; mov ax, SetupItem; out dx, ax
            0x42, 0xB9, (byte)setupSize, (byte)(setupSize >> 8), // inc dx; mov cx, setupSize
            0xF3, 0x6C,                                         // rep insb
            0xBA, 0x10, 0x05, 0xB8, CommandLineItem, 0x00, 0xEF, // mov dx, 510h; mov ax, CommandLineItem; out dx, ax
            0x42, 0xB9, (byte)commandLineSize, (byte)(commandLineSize >> 8), // inc dx; mov cx, commandLineSize
            0xBF, 0x00, StackEnd >> 8, 0xF3, 0x6C,              // mov di, StackEnd; rep insb
            0xB8, 0x00, 0x10, 0x8E, 0xD8,                       // mov ax, 1000h; mov ds, ax
            0x8E, 0xE0, 0x8E, 0xE8, 0x8E, 0xD0,                 // mov fs, ax; mov gs, ax; mov ss, ax
            0xBC, 0x00, StackEnd >> 8,                          // mov sp, StackEnd
            0xEA, 0x00, 0x00, 0x20, 0x10,                       // jmp 1020h:0
        ];
        code.CopyTo(rom.AsSpan(BootEntry));
        rom[Header + HeaderChecksum] = Complement(rom.AsSpan(Header, HeaderSize));
        rom[^1] = Complement(rom);
        return rom;
    }

    /// <summary>What makes the sum of bytes zero.</summary>
    static byte Complement(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes)
        {
            sum += value;
        }
        return (byte)-sum;
    }

    static void Set(byte[] setup, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(setup.AsSpan(offset), value);
}
