namespace FastVcpu.Fuzz.Machines;

/// <summary>Fills paging structures of all kinds: the first megabytes mostly map to themselves, the rest is random, down to reserved bits.</summary>
sealed class PageTables(Random random, byte[] extended, MachineShape shape)
{
    const ulong Present = 1, Writable = 2, User = 4, Accessed = 0x20, Dirty = 0x40, Large = 0x80, Rights = Present | Writable | User;
    const int Pages = Layout.ExtendedSize / Layout.PageSize;

    /// <summary>What a page that is as it should be allows.</summary>
    readonly ulong pageRights = shape.IsUser || random.Next(2) == 0 ? Rights : Present | Writable;

    int EntrySize => shape.Paging == PagingMode.Legacy ? 4 : 8;

    public void Fill()
    {
        if (shape.Paging == PagingMode.None)
        {
            return;
        }
        // The first pages: the tables from the top down to the last level, whose first entries map memory.
        int levels = shape.Paging switch { PagingMode.Legacy => 2, PagingMode.Extended => 3, PagingMode.FourLevels => 4, _ => 5 };
        for (int level = 0; level < levels; level++)
        {
            bool isTop = level == 0, isLast = level == levels - 1;
            int entries = Layout.PageSize / EntrySize;
            for (int i = 0; i < entries; i++)
            {
                Set(level, i, isLast && i < Layout.Extended / Layout.PageSize + Pages ? Identity(i) : random.Next(3) == 0 ? Any(levels - level) : 0);
            }
            if (!isLast)
            {
                // PDPTEs of PAE have no rights of their own.
                ulong rights = isTop && shape.Paging == PagingMode.Extended ? Present : random.Next(30) == 0 ? Present | (ulong)(uint)random.Next(8) : Rights;
                Set(level, 0, Table(level + 1) | rights);
                // The upper half leads to the same.
                Set(level, entries - 1, Table(level + 1) | rights);
                Set(level, entries / 2, Table(level + 1) | rights);
            }
        }
        for (int page = levels; page < Pages; page++)
        {
            for (int i = 0; i < Layout.PageSize / EntrySize; i += 1 + random.Next(8))
            {
                Set(page, i, Any(random.Next(1, 5)));
            }
        }
    }

    static ulong Table(int page) => (ulong)(Layout.Extended + page * Layout.PageSize);

    ulong Identity(int page)
    {
        ulong rights = random.Next(12) == 0 ? (uint)random.Next(8) : pageRights;
        ulong entry = (ulong)page << 12 | rights | (ulong)random.Next(8) << 9 | (random.Next(2) == 0 ? Accessed : 0) | (random.Next(2) == 0 ? Dirty : 0);
        return random.Next(200) == 0 ? Any(1) : entry;
    }

    /// <summary>An entry of a level, counted from the last.</summary>
    ulong Any(int level)
    {
        ulong flags = (uint)random.Next(0x1000) | (random.Next(4) > 0 ? Rights : 0);
        flags = random.Next(4) > 0 ? flags & ~Large : flags | Large;
        ulong high = EntrySize == 8 && random.Next(8) == 0 ? 1UL << 63 : 0;
        ulong address = random.Next(8) switch
        {
            0 => (ulong)random.NextInt64() & ~0xFFFUL,
            1 => (ulong)random.Next(1 << 20) << 12,
            2 => Layout.High + (ulong)random.Next(4) * Layout.PageSize,
            3 or 4 when level > 1 => (ulong)random.Next(8) << 21,
            5 => (ulong)random.Next(0x110) << 12,
            _ => Table(random.Next(Pages)),
        };
        return address | flags | high;
    }

    void Set(int page, int index, ulong entry)
    {
        Span<byte> place = extended.AsSpan(page * Layout.PageSize + index * EntrySize, EntrySize);
        if (EntrySize == 4)
        {
            BitConverter.TryWriteBytes(place, (uint)entry);
        }
        else
        {
            BitConverter.TryWriteBytes(place, entry);
        }
    }
}
