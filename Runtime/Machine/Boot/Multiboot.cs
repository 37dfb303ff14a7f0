namespace FastVcpu.Machine.Boot;

/// <summary>Loads kernels as the Multiboot specification 0.6.96 says: ELF, or an image with addresses in its header; and flat files.</summary>
static class Multiboot
{
    const uint HeaderMagic = 0x1BADB002, LoaderMagic = 0x2BADB002;
    const int SearchedBytes = 8192, HeaderSize = 12, AddressesSize = 32;
    const uint HasAddresses = 1 << 16, NeedsVideo = 1 << 2, MandatoryUnknown = 0xFFF8;

    /// <summary>Where a flat file without a header is loaded and entered.</summary>
    const uint FlatAddress = 0x100000;

    /// <summary>Loads a kernel and puts the processor into the state that it expects.</summary>
    /// <param name="vm">The machine, with its memory.</param>
    /// <param name="cpu">The processor that starts.</param>
    /// <param name="file">The kernel.</param>
    /// <param name="commandLine">What it is told.</param>
    /// <param name="module">A module (an initial RAM disk), or null.</param>
    /// <param name="map">The memory.</param>
    public static void Load(VirtualMachine vm, Vcpu cpu, byte[] file, string commandLine, byte[]? module, MemoryMap map)
    {
        int header = FindHeader(file);
        if (header >= 0 && (BootMemory.Field(file, header + 4) & (MandatoryUnknown | NeedsVideo)) is var needed and not 0)
        {
            throw new BootException($"The kernel's Multiboot header needs features {needed:x}h, which this loader does not have.");
        }
        (ulong entry, ulong end) = header >= 0 && (BootMemory.Field(file, header + 4) & HasAddresses) != 0 ? LoadByHeader(vm, file, header)
            : ElfImage.IsElf(file) ? new ElfImage(file).Load(vm)
            : LoadFlat(vm, file);
        if (entry > uint.MaxValue)
        {
            throw new BootException($"The kernel's entry {entry:x}h is not below 4 GiB.");
        }
        uint info = MultibootInfo.Write(vm, commandLine, module, new BelowFour(vm, end, map), map);
        ProtectedModeEntry.Prepare(vm, cpu, (uint)entry);
        cpu.Regs.Rax = LoaderMagic;
        cpu.Regs.Rbx = info;
    }

    /// <summary>Offset of the header, or −1.</summary>
    public static int FindHeader(ReadOnlySpan<byte> file)
    {
        for (int at = 0; at + HeaderSize <= Math.Min(file.Length, SearchedBytes); at += 4)
        {
            if (BootMemory.Field(file, at) == HeaderMagic && HeaderMagic + BootMemory.Field(file, at + 4) + BootMemory.Field(file, at + 8) == 0)
            {
                return at;
            }
        }
        return -1;
    }

    static (ulong Entry, ulong End) LoadByHeader(VirtualMachine vm, ReadOnlySpan<byte> file, int header)
    {
        if (header + AddressesSize > file.Length)
        {
            throw new BootException("The kernel ends within its Multiboot header.");
        }
        uint Address(int offset, ReadOnlySpan<byte> file) => BootMemory.Field(file, header + offset);
        return (Address(28, file), ImageLoader.Load(vm, file, header, Address(12, file), Address(16, file), Address(20, file), Address(24, file)));
    }

    static (ulong Entry, ulong End) LoadFlat(VirtualMachine vm, ReadOnlySpan<byte> file)
    {
        BootMemory.Write(vm, FlatAddress, file);
        return (FlatAddress, FlatAddress + (ulong)file.Length);
    }
}
