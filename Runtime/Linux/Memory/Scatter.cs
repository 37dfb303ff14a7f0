namespace FastVcpu.Linux.Memory;

/// <summary>Walks along the pieces of guest memory of a readv or writev.</summary>
struct Scatter(GuestMemory memory, List<(ulong Address, ulong Size)> parts, MemoryProtection needed)
{
    int _index;
    ulong _used;

    /// <summary>How many of the next bytes are accessible, at most <paramref name="limit"/>.</summary>
    public readonly ulong Accessible(ulong limit)
    {
        ulong total = 0, used = _used;
        for (int i = _index; i < parts.Count && total < limit; i++, used = 0)
        {
            ulong size = Math.Min(parts[i].Size - used, limit - total);
            ulong accessible = memory.Accessible(parts[i].Address + used, size, needed);
            total += accessible;
            if (accessible < size)
            {
                break;
            }
        }

        return total;
    }

    /// <summary>Stores the next bytes.</summary>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            ulong address = Next((ulong)bytes.Length, out int size);
            if (!memory.TryWrite(address, bytes[..size]))
            {
                return false;
            }

            bytes = bytes[size..];
        }

        return true;
    }

    /// <summary>Fetches the next bytes.</summary>
    public bool Read(Span<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            ulong address = Next((ulong)bytes.Length, out int size);
            if (!memory.TryRead(address, bytes[..size]))
            {
                return false;
            }

            bytes = bytes[size..];
        }

        return true;
    }

    /// <summary>Passes by the next bytes, which are there.</summary>
    public void Skip(ulong count)
    {
        while (count > 0)
        {
            Next(count, out int size);
            count -= (ulong)size;
        }
    }

    ulong Next(ulong limit, out int size)
    {
        while (_used == parts[_index].Size)
        {
            _index++;
            _used = 0;
        }

        ulong address = parts[_index].Address + _used;
        size = (int)Math.Min(parts[_index].Size - _used, limit);
        _used += (ulong)size;
        return address;
    }
}
