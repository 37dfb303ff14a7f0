namespace FastVcpu.Machine.Boot;

/// <summary>Finds out what a kernel is, and loads it as its boot protocol says.</summary>
static class KernelLoader
{
    /// <summary>Loads a kernel and puts the processor that starts before its first instruction.</summary>
    /// <param name="vm">The machine, with its memory.</param>
    /// <param name="cpu">The processor that starts.</param>
    /// <param name="options">Kernel, command line, module and entry.</param>
    /// <param name="map">The memory.</param>
    /// <param name="acpiRoot">Physical address of ACPI's root pointer.</param>
    public static void Load(VirtualMachine vm, Vcpu cpu, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        byte[] kernel = options.Kernel!;
        if (options.Entry == KernelEntry.Bits16)
        {
            throw new BootException("A kernel that is entered in 16 bits calls the BIOS; give one too (--bios FILE, such as SeaBIOS).");
        }
        if (LinuxKernel.IsLinux(kernel))
        {
            LinuxKernel.Load(vm, cpu, kernel, options, map, acpiRoot);
        }
        else if (Multiboot2Header.Find(kernel) is >= 0 and var header)
        {
            Multiboot2.Load(vm, cpu, kernel, header, options, map, acpiRoot);
        }
        else if (ElfImage.IsElf(kernel) && Multiboot.FindHeader(kernel) < 0)
        {
            LoadElf(vm, cpu, new ElfImage(kernel), options, map, acpiRoot);
        }
        else
        {
            Multiboot.Load(vm, cpu, kernel, options.CommandLine, options.Module, map);
        }
    }

    /// <summary>An ELF file without a Multiboot header.</summary>
    static void LoadElf(VirtualMachine vm, Vcpu cpu, ElfImage image, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        if (options.Entry != KernelEntry.Bits64 && Pvh.FindEntry(image) is { } entry)
        {
            Pvh.Load(vm, cpu, image, entry, options, map, acpiRoot);
        }
        else if (image.Is64)
        {
            LinuxKernel.LoadElf(vm, cpu, image, options, map, acpiRoot);
        }
        else
        {
            Multiboot.Load(vm, cpu, options.Kernel!, options.CommandLine, options.Module, map);
        }
    }
}
