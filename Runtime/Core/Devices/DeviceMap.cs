namespace FastVcpu.Devices;

/// <summary>Devices by range. Replaced as a whole at each change, so that running vCPUs need no lock.</summary>
sealed class DeviceMap
{
    readonly record struct Attached(ulong Start, ulong Size, IDevice Device);

    readonly Lock gate = new();
    volatile Attached[] ranges = [];

    /// <summary>Adds a range; false when it overlaps another.</summary>
    public bool TryAdd(ulong start, ulong size, IDevice device)
    {
        lock (gate)
        {
            if (ranges.Any(r => start < r.Start + r.Size && r.Start < start + size))
            {
                return false;
            }
            ranges = [.. ranges.Append(new Attached(start, size, device)).OrderBy(r => r.Start)];
            return true;
        }
    }

    /// <summary>Removes all ranges of a device.</summary>
    public void Remove(IDevice device)
    {
        lock (gate)
        {
            ranges = [.. ranges.Where(r => r.Device != device)];
        }
    }

    /// <summary>The device that an access begins in.</summary>
    public IDevice? Find(ulong address, out ulong offset)
    {
        Attached[] all = ranges;
        int low = 0, high = all.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            ref readonly Attached range = ref all[middle];
            if (address < range.Start)
            {
                high = middle - 1;
            }
            else if (address - range.Start >= range.Size)
            {
                low = middle + 1;
            }
            else
            {
                offset = address - range.Start;
                return range.Device;
            }
        }
        offset = 0;
        return null;
    }
}
