namespace FastVcpu.Machine.Boot;

/// <summary>Where a PC has memory: below 640 KiB, from 768 KiB to the hole for devices below 4 GiB, and the rest above 4 GiB.</summary>
/// <param name="Size">Bytes of memory; the holes below 1 MiB count.</param>
readonly record struct MemoryMap(ulong Size)
{
    const ulong Megabyte = 1UL << 20, Gigabyte = 1UL << 30;
    const ulong VideoHole = 0xA0000, UpperMemory = 0xC0000, DeviceHole = 3 * Gigabyte, AboveHole = 4 * Gigabyte;

    /// <summary>The smallest machine.</summary>
    public const ulong Smallest = Megabyte;

    /// <summary>Bytes below the video hole.</summary>
    public ulong LowSize => VideoHole;

    /// <summary>End of the memory below the hole for devices.</summary>
    public ulong BelowHole => Math.Min(Size, DeviceHole);

    /// <summary>Bytes of the memory above 4 GiB.</summary>
    public ulong AboveFourGigabytes => Size - BelowHole;

    /// <summary>The regions in order, as a memory map of firmware lists them.</summary>
    public IEnumerable<(ulong Start, ulong Size, bool IsMemory)> Regions
    {
        get
        {
            yield return (0, VideoHole, true);
            yield return (UpperMemory, Megabyte - UpperMemory, false);
            if (Size > Megabyte)
            {
                yield return (Megabyte, BelowHole - Megabyte, true);
            }
            if (Size > DeviceHole)
            {
                yield return (AboveHole, Size - DeviceHole, true);
            }
        }
    }

    /// <summary>Puts the memory into a machine, in slots from 0 on; the area of ROMs is memory as far as <paramref name="romStart"/>.</summary>
    public void Allocate(VirtualMachine vm, ulong romStart)
    {
        vm.AllocateMemory(0, 0, VideoHole);
        if (romStart > UpperMemory)
        {
            vm.AllocateMemory(1, UpperMemory, romStart - UpperMemory);
        }
        if (Size > Megabyte)
        {
            vm.AllocateMemory(2, Megabyte, BelowHole - Megabyte);
        }
        if (Size > DeviceHole)
        {
            vm.AllocateMemory(3, AboveHole, Size - DeviceHole);
        }
    }
}
