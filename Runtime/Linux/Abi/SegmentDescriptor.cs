namespace FastVcpu.Linux.Abi;

/// <summary>Descriptors of data segments (SDM Vol. 3 3.4.5) and struct user_desc, from which set_thread_area makes them.</summary>
static class SegmentDescriptor
{
    /// <summary>struct user_desc: entry number, base, limit, flags.</summary>
    public const int UserSize = 16;

    const uint Flag32Bit = 1, FlagReadExecuteOnly = 8, FlagLimitInPages = 16, FlagNotPresent = 32, FlagUsable = 64;

    /// <summary>Makes a descriptor; 0 for a user_desc that clears its entry.</summary>
    public static ulong Create(uint start, uint limit, uint flags)
    {
        bool isEmpty = start == 0 && limit == 0 && flags is (FlagReadExecuteOnly | FlagNotPresent) or 0;
        if (isEmpty)
        {
            return 0;
        }

        ulong type = ((flags & FlagReadExecuteOnly) == 0 ? 2u : 0) | (flags >> 1 & 3) << 2 | 1;
        ulong attributes = type | 0x10 | 3 << 5
            | ((flags & FlagNotPresent) == 0 ? 0x80u : 0)
            | ((flags & FlagUsable) != 0 ? 0x1000u : 0)
            | ((flags & Flag32Bit) != 0 ? 0x4000u : 0)
            | ((flags & FlagLimitInPages) != 0 ? 0x8000u : 0);
        return limit & 0xFFFF | (ulong)(start & 0xFFFFFF) << 16 | attributes << 40 | (ulong)(limit >> 16 & 0xF) << 48 | (ulong)(start >> 24) << 56;
    }

    /// <summary>The segment register that a load of a descriptor gives.</summary>
    public static SegmentRegister Expand(ulong descriptor, ushort selector)
    {
        uint limit = (uint)(descriptor & 0xFFFF | descriptor >> 32 & 0xF0000);
        bool inPages = (descriptor >> 55 & 1) != 0;
        return new SegmentRegister
        {
            Base = descriptor >> 16 & 0xFFFFFF | descriptor >> 56 << 24,
            Limit = inPages ? limit << 12 | 0xFFF : limit,
            Selector = selector,
            Attributes = (ushort)(descriptor >> 40 & 0xF0FF),
        };
    }

    /// <summary>Limit in units, base, and user_desc flags of a descriptor.</summary>
    public static (uint Start, uint Limit, uint Flags) Describe(ulong descriptor)
    {
        if (descriptor == 0)
        {
            return (0, 0, FlagReadExecuteOnly | FlagNotPresent);
        }

        uint limit = (uint)(descriptor & 0xFFFF | descriptor >> 32 & 0xF0000);
        uint start = (uint)(descriptor >> 16 & 0xFFFFFF | descriptor >> 56 << 24);
        uint flags = (descriptor >> 54 & 1) != 0 ? Flag32Bit : 0;
        flags |= (uint)(descriptor >> 42 & 3) << 1;
        flags |= (descriptor >> 41 & 1) == 0 ? FlagReadExecuteOnly : 0;
        flags |= (descriptor >> 55 & 1) != 0 ? FlagLimitInPages : 0;
        flags |= (descriptor >> 47 & 1) == 0 ? FlagNotPresent : 0;
        flags |= (descriptor >> 52 & 1) != 0 ? FlagUsable : 0;
        return (start, limit, flags);
    }
}
