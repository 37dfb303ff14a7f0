namespace FastVcpu.Machine.Boot;

/// <summary>Places things one behind the other in the memory below 4 GiB, each at the start of a page.</summary>
/// <param name="vm">The machine.</param>
/// <param name="start">Behind what is there already.</param>
/// <param name="map">The memory.</param>
sealed class BelowFour(VirtualMachine vm, ulong start, MemoryMap map)
{
    const ulong Lowest = 1 << 20;

    ulong next = Math.Max(Lowest, BootMemory.RoundUp(start));

    /// <summary>Places bytes and returns their address.</summary>
    public uint Write(ReadOnlySpan<byte> bytes)
    {
        ulong address = next;
        if (address >= map.BelowHole || (ulong)bytes.Length > map.BelowHole - address)
        {
            throw new BootException("The machine's memory below 4 GiB is too small for the kernel and what it is given.");
        }
        BootMemory.Write(vm, address, bytes);
        next = BootMemory.RoundUp(address + Math.Max(1, (ulong)bytes.Length));
        return (uint)address;
    }
}
