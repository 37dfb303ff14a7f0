namespace FastVcpu.Machine.Boot;

/// <summary>Loads kernels as the Multiboot specification 0.6.96 says: ELF of 32 bits, or an image with addresses in its header; and flat files.</summary>
static class Multiboot
{
    const uint HeaderMagic = 0x1BADB002, LoaderMagic = 0x2BADB002;
    public const int SearchedBytes = 8192;
    const int HeaderSize = 12, AddressesSize = 32;
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
    public static void Load(VirtualMachine vm, Vcpu cpu, ReadOnlySpan<byte> file, string commandLine, byte[]? module, MemoryMap map)
    {
        int header = FindHeader(file);
        (uint entry, uint end) = header >= 0 && (BootMemory.Field(file, header + 4) & HasAddresses) != 0 ? LoadByHeader(vm, file, header)
            : ElfKernel.IsElf(file) ? ElfKernel.Load(vm, file)
            : LoadFlat(vm, file);
        if (header >= 0 && (BootMemory.Field(file, header + 4) & (MandatoryUnknown | NeedsVideo)) is var needed and not 0)
        {
            throw new BootException($"The kernel's Multiboot header needs features {needed:x}h, which this loader does not have.");
        }
        uint info = MultibootInfo.Write(vm, commandLine, module, (uint)BootMemory.RoundUp(end), map);
        ProtectedModeEntry.Prepare(vm, cpu, entry);
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

    static (uint Entry, uint End) LoadByHeader(VirtualMachine vm, ReadOnlySpan<byte> file, int header)
    {
        if (header + AddressesSize > file.Length)
        {
            throw new BootException("The kernel ends within its Multiboot header.");
        }
        uint headerAddress = BootMemory.Field(file, header + 12), load = BootMemory.Field(file, header + 16), loadEnd = BootMemory.Field(file, header + 20), bssEnd = BootMemory.Field(file, header + 24);
        uint entry = BootMemory.Field(file, header + 28);
        long start = header - (long)(headerAddress - load);
        long length = loadEnd == 0 ? file.Length - start : loadEnd - (long)load;
        if (start < 0 || length < 0 || start + length > file.Length)
        {
            throw new BootException("The addresses in the kernel's Multiboot header do not fit the file.");
        }
        BootMemory.Write(vm, load, file.Slice((int)start, (int)length));
        return (entry, Math.Max(bssEnd, load + (uint)length));
    }

    static (uint Entry, uint End) LoadFlat(VirtualMachine vm, ReadOnlySpan<byte> file)
    {
        BootMemory.Write(vm, FlatAddress, file);
        return (FlatAddress, FlatAddress + (uint)file.Length);
    }
}
