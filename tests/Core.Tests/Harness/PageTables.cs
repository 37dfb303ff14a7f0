namespace FastVcpu.Tests;

/// <summary>The format of paging structures.</summary>
public enum Paging
{
    None,
    TwoLevels,
    Pae,
    FourLevels,
    FiveLevels,
}

/// <summary>Builds paging structures in the memory of a machine.</summary>
sealed class PageTables
{
    public const ulong Present = 1, Writable = 2, User = 4, Accessed = 0x20, Dirty = 0x40, Large = 0x80, Global = 0x100, NoExecute = 1UL << 63;
    public const ulong All = Present | Writable | User;
    const ulong PageSize = 0x1000, AddressMask = 0x000F_FFFF_FFFF_F000;

    readonly VirtualMachine vm;
    readonly int levels, indexBits, entrySize;
    ulong next;

    public PageTables(VirtualMachine vm, Paging format, ulong root)
    {
        this.vm = vm;
        Root = root;
        next = root + PageSize;
        (levels, indexBits, entrySize) = format switch
        {
            Paging.TwoLevels => (2, 10, 4),
            Paging.Pae => (3, 9, 8),
            Paging.FourLevels => (4, 9, 8),
            _ => (5, 9, 8),
        };
    }

    /// <summary>CR3.</summary>
    public ulong Root { get; }

    /// <summary>Physical address of the entry that translates an address at a level; tables on the way are made.</summary>
    public ulong At(ulong linear, int level = 1)
    {
        ulong table = Root;
        for (int i = levels; ; i--)
        {
            ulong index = linear >> 12 + indexBits * (i - 1) & (1UL << indexBits) - 1;
            ulong entry = table + index * (ulong)entrySize;
            if (i == level)
            {
                return entry;
            }
            if ((this[entry] & Present) == 0)
            {
                // The entries of the PAE directory-pointer table have no rights.
                this[entry] = next | (levels == 3 && i == 3 ? Present : All);
                next += PageSize;
            }
            table = this[entry] & AddressMask;
        }
    }

    /// <summary>An entry by its physical address.</summary>
    public ulong this[ulong entry]
    {
        get
        {
            byte[] bytes = new byte[8];
            Assert.True(vm.TryReadPhysical(entry, bytes.AsSpan(0, entrySize)));
            return BitConverter.ToUInt64(bytes);
        }
        set => Assert.True(vm.TryWritePhysical(entry, BitConverter.GetBytes(value).AsSpan(0, entrySize)));
    }

    /// <summary>Maps one page, large above level 1.</summary>
    public void Map(ulong linear, ulong physical, ulong bits = All, int level = 1) => this[At(linear, level)] = physical | bits | (level > 1 ? Large : 0);

    /// <summary>The entry of an address at a level.</summary>
    public ulong Entry(ulong linear, int level = 1) => this[At(linear, level)];

    /// <summary>Changes bits of the entry of an address.</summary>
    public void Change(ulong linear, ulong set, ulong clear = 0, int level = 1)
    {
        ulong at = At(linear, level);
        this[at] = this[at] & ~clear | set;
    }
}
