namespace FastVcpu.Linux.Memory;

/// <summary>The mappings of a process, sorted by address and never overlapping: what is mapped where, without the memory itself.</summary>
sealed class MappingList
{
    readonly List<GuestMapping> _mappings;

    public MappingList() => _mappings = [];

    public MappingList(MappingList other) => _mappings = [.. other._mappings];

    public IReadOnlyList<GuestMapping> All => _mappings;

    /// <summary>Becomes a copy of another list.</summary>
    public void CopyFrom(MappingList other)
    {
        _mappings.Clear();
        _mappings.AddRange(other._mappings);
    }

    /// <summary>Sum of the sizes.</summary>
    public ulong TotalSize => _mappings.Aggregate(0UL, (sum, mapping) => sum + mapping.Size);

    /// <summary>The mapping that holds an address.</summary>
    public GuestMapping? Find(ulong address)
    {
        int index = FirstEndingAfter(address);
        return index < _mappings.Count && _mappings[index].Start <= address ? _mappings[index] : null;
    }

    /// <summary>The parts of mappings between two addresses, in order.</summary>
    public List<GuestMapping> Between(ulong start, ulong end)
    {
        List<GuestMapping> result = [];
        for (int i = FirstEndingAfter(start); i < _mappings.Count && _mappings[i].Start < end; i++)
        {
            result.Add(_mappings[i].Slice(start, end));
        }

        return result;
    }

    /// <summary>Whether nothing is mapped between two addresses.</summary>
    public bool IsFree(ulong start, ulong end)
    {
        int index = FirstEndingAfter(start);
        return index == _mappings.Count || _mappings[index].Start >= end;
    }

    /// <summary>Whether every page between two addresses is mapped.</summary>
    public bool IsCovered(ulong start, ulong end)
    {
        for (int i = FirstEndingAfter(start); start < end; i++)
        {
            if (i == _mappings.Count || _mappings[i].Start > start)
            {
                return false;
            }

            start = _mappings[i].End;
        }

        return true;
    }

    /// <summary>Forgets what is mapped between two addresses; returns the parts removed.</summary>
    public List<GuestMapping> Remove(ulong start, ulong end)
    {
        List<GuestMapping> removed = [];
        int i = FirstEndingAfter(start);
        while (i < _mappings.Count && _mappings[i].Start < end)
        {
            GuestMapping old = _mappings[i];
            removed.Add(old.Slice(start, end));
            _mappings.RemoveAt(i);
            if (old.Start < start)
            {
                _mappings.Insert(i++, old.Slice(old.Start, start));
            }

            if (old.End > end)
            {
                _mappings.Insert(i++, old.Slice(end, old.End));
            }
        }

        return removed;
    }

    /// <summary>Adds a mapping in the place of whatever is there; joins it with equal neighbours.</summary>
    public void Add(GuestMapping mapping)
    {
        Remove(mapping.Start, mapping.End);
        int index = FirstEndingAfter(mapping.Start);
        if (index < _mappings.Count && Continues(mapping, _mappings[index]))
        {
            mapping = mapping with { End = _mappings[index].End };
            _mappings.RemoveAt(index);
        }

        if (index > 0 && Continues(_mappings[index - 1], mapping))
        {
            mapping = _mappings[index - 1] with { End = mapping.End };
            _mappings.RemoveAt(--index);
        }

        _mappings.Insert(index, mapping);
    }

    /// <summary>The highest free range of a size that ends at or below a limit; 0 when there is none.</summary>
    public ulong FindFree(ulong size, ulong lowest, ulong limit)
    {
        ulong end = limit;
        for (int i = _mappings.Count - 1; i >= 0; i--)
        {
            GuestMapping mapping = _mappings[i];
            if (mapping.Start >= limit)
            {
                continue;
            }

            if (mapping.End <= end && end - mapping.End >= size)
            {
                break;
            }

            end = Math.Min(end, mapping.Start);
        }

        return end >= size && end - size >= lowest ? end - size : 0;
    }

    static bool Continues(GuestMapping first, GuestMapping second) =>
        first.End == second.Start && first.Protection == second.Protection && first.Name == second.Name && first.Shared == second.Shared
        && (first.IsPrivateAnonymous || second.Offset == first.Offset + first.Size);

    int FirstEndingAfter(ulong address)
    {
        int low = 0, high = _mappings.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_mappings[middle].End <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
