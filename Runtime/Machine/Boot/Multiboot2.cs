using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Boot;

/// <summary>Loads kernels as the Multiboot specification 2.0 says, and tells them what it says: memory, module, command line, screen, ACPI, symbols.</summary>
static class Multiboot2
{
    const uint LoaderMagic = 0x36D76289;
    const uint CommandLine = 1, LoaderName = 2, Module = 3, BasicMemory = 4, Map = 6, Screen = 8, Sections = 9, OldAcpi = 14, NewAcpi = 15;
    const uint AvailableMemory = 1, ReservedMemory = 2, MapEntrySize = 24, MapVersion = 0;
    const int OldRootSize = 20, NewRootSize = 36;
    const ulong Megabyte = 1 << 20, TextBuffer = 0xB8000;
    const byte TextScreen = 2;

    static readonly uint[] Offered = [CommandLine, LoaderName, Module, BasicMemory, Map, Screen, Sections, OldAcpi, NewAcpi];

    /// <summary>Loads a kernel and puts the processor into the state that it expects.</summary>
    /// <param name="vm">The machine, with its memory.</param>
    /// <param name="cpu">The processor that starts.</param>
    /// <param name="file">The kernel.</param>
    /// <param name="headerOffset">Where its header is.</param>
    /// <param name="options">Command line and module.</param>
    /// <param name="map">The memory.</param>
    /// <param name="acpiRoot">Physical address of ACPI's root pointer.</param>
    public static void Load(VirtualMachine vm, Vcpu cpu, byte[] file, int headerOffset, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        Multiboot2Header header = Multiboot2Header.Read(file, headerOffset, Offered);
        ElfImage? elf = null;
        ulong entry, end;
        if (header.Image is { } image)
        {
            end = ImageLoader.Load(vm, file, headerOffset, image.Header, image.Load, image.LoadEnd, image.BssEnd);
            entry = header.Entry ?? throw new BootException("The kernel's Multiboot 2 header has addresses, but no entry.");
        }
        else
        {
            elf = ElfImage.IsElf(file) ? new ElfImage(file) : throw new BootException("The kernel has a Multiboot 2 header without addresses, and is no ELF file.");
            (entry, end) = elf.Load(vm);
            entry = header.Entry ?? entry;
        }
        if (entry > uint.MaxValue)
        {
            throw new BootException($"The kernel's entry {entry:x}h is not below 4 GiB.");
        }
        BelowFour place = new(vm, end, map);
        uint info = place.Write(Describe(vm, place, elf, options, map, acpiRoot));
        ProtectedModeEntry.Prepare(vm, cpu, (uint)entry);
        cpu.Regs.Rax = LoaderMagic;
        cpu.Regs.Rbx = info;
    }

    /// <summary>The information (3.6): sizes, then tags at multiples of eight.</summary>
    static byte[] Describe(VirtualMachine vm, BelowFour place, ElfImage? elf, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        using MemoryStream info = new();
        using BinaryWriter writer = new(info);
        writer.Write(0UL);
        void Tag(uint type, params ReadOnlySpan<byte> content)
        {
            const int Header = 8, Alignment = 8;
            writer.Write(type);
            writer.Write((uint)(Header + content.Length));
            writer.Write(content);
            writer.Write(new byte[-content.Length & (Alignment - 1)]);
        }

        Tag(CommandLine, [.. Encoding.UTF8.GetBytes(options.CommandLine), 0]);
        Tag(LoaderName, "FastVcpu\0"u8);
        if (options.Module is { } module)
        {
            uint start = place.Write(module);
            Tag(Module, [.. Bytes(start), .. Bytes(start + (uint)module.Length), 0]);
        }
        Tag(BasicMemory, [.. Bytes((uint)(map.LowSize / 1024)), .. Bytes((uint)((map.BelowHole - Megabyte) / 1024))]);
        Tag(Map, [.. Bytes(MapEntrySize), .. Bytes(MapVersion), .. map.Regions.SelectMany(MapEntry)]);
        Tag(Screen, [.. LongBytes(TextBuffer), .. Bytes(160), .. Bytes(80), .. Bytes(25), 16, TextScreen, 0, 0]);
        if (elf is { SectionCount: > 0 })
        {
            Tag(Sections, [.. Bytes((uint)elf.SectionCount), .. Bytes((uint)elf.SectionHeaderSize), .. Bytes((uint)elf.NameSection), .. PlaceSections(elf, place)]);
        }
        byte[] root = new byte[NewRootSize];
        vm.TryReadPhysical(acpiRoot, root);
        Tag(OldAcpi, root.AsSpan(0, OldRootSize));
        Tag(NewAcpi, root);
        Tag(0);
        byte[] bytes = info.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        return bytes;
    }

    /// <summary>The symbols are no part of a segment; they are placed behind the kernel, and the headers tell where.</summary>
    static byte[] PlaceSections(ElfImage elf, BelowFour place)
    {
        byte[] headers = elf.SectionHeaders.ToArray();
        for (int i = 0; i < elf.SectionCount; i++)
        {
            ReadOnlySpan<byte> section = elf.UnloadedSection(i);
            if (section.Length != 0)
            {
                elf.PlaceSection(headers, i, place.Write(section));
            }
        }
        return headers;
    }

    static byte[] MapEntry((ulong Start, ulong Size, bool IsMemory) region) =>
        [.. LongBytes(region.Start), .. LongBytes(region.Size), .. Bytes(region.IsMemory ? AvailableMemory : ReservedMemory), .. Bytes(0)];

    static byte[] Bytes(uint value) => BitConverter.GetBytes(value);

    static byte[] LongBytes(ulong value) => BitConverter.GetBytes(value);
}
