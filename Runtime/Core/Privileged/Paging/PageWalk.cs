using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Paging;

/// <summary>
/// One walk of the guest's paging structures (SDM Vol. 3 chapter 4). Accessed bits are set in each entry that is used, the dirty bit by a write that is
/// allowed; entries are changed atomically, and a walk that finds one changed under its hands starts again.
/// </summary>
unsafe ref struct PageWalk
{
    readonly Vcpu cpu;
    readonly CpuState* s;
    readonly PhysicalMemory memory;
    readonly ulong linear;
    readonly PagingMode mode;
    readonly ulong reserved;

    public PageWalk(Vcpu cpu, PhysicalMemory memory, ulong linear)
    {
        this.cpu = cpu;
        this.memory = memory;
        this.linear = linear;
        s = cpu.State;
        mode = PagingMode.Of(s);
        reserved = ReservedBits(s, mode);
    }

    /// <summary>What the walk has found to be granted: <see cref="PageEntry.Writable"/>, <see cref="PageEntry.User"/> and <see cref="PageEntry.NoExecute"/>.</summary>
    public ulong Rights { get; private set; }

    /// <summary>Physical address of the byte.</summary>
    public ulong Physical { get; private set; }

    /// <summary>Translates for an access and marks the entries. False: <paramref name="errorCode"/> is that of the page fault.</summary>
    public bool TryAccess(AccessKind kind, TlbSet set, out uint errorCode)
    {
        errorCode = 0;
        while (true)
        {
            switch (Walk(marks: true, out ulong leaf, out ulong entry))
            {
                case Outcome.NotPresent:
                    errorCode = Code(kind, set);
                    return false;
                case Outcome.ReservedBit:
                    errorCode = Code(kind, set) | PageFaultCode.Protection | PageFaultCode.Reserved;
                    return false;
                case Outcome.Changed:
                    continue;
            }
            if (!IsAllowed(kind, set))
            {
                errorCode = Code(kind, set) | PageFaultCode.Protection;
                return false;
            }
            if (TryMark(leaf, entry, PageEntry.Accessed | (kind == AccessKind.Write ? PageEntry.Dirty : 0)))
            {
                return true;
            }
        }
    }

    /// <summary>Translates without an access: nothing is marked or checked but that a page is there.</summary>
    public bool TryLookUp() => Walk(marks: false, out _, out _) == Outcome.Found;

    enum Outcome
    {
        Found,
        NotPresent,
        ReservedBit,
        Changed,
    }

    Outcome Walk(bool marks, out ulong leaf, out ulong entry)
    {
        Rights = PageEntry.Writable | PageEntry.User;
        leaf = entry = 0;
        ulong table = s->Cr3 & (mode.IsLegacy ? 0xFFFFF000 : PageEntry.AddressMask);
        if (mode.IsPae)
        {
            ulong pointer = (&s->FirstDirectoryPointer)[linear >> 30 & 3];
            if ((pointer & PageEntry.Present) == 0)
            {
                return Outcome.NotPresent;
            }
            table = pointer & PageEntry.AddressMask;
        }
        for (int level = mode.TopLevel; ; level--)
        {
            int shift = MemoryBlock.PageShift + mode.IndexBits * (level - 1);
            leaf = table + (linear >> shift & (1UL << mode.IndexBits) - 1) * (ulong)mode.EntrySize;
            entry = memory.ReadEntry(leaf, mode.EntrySize);
            if ((entry & PageEntry.Present) == 0)
            {
                return Outcome.NotPresent;
            }
            bool isLarge = level > 1 && (entry & PageEntry.Large) != 0 && CanBeLarge(level);
            if ((entry & (reserved | ReservedBits(level, isLarge))) != 0)
            {
                return Outcome.ReservedBit;
            }
            Rights = Rights & (entry | PageEntry.NoExecute) | (mode.IsLegacy ? 0 : entry & PageEntry.NoExecute);
            if (level == 1 || isLarge)
            {
                ulong offset = linear & (1UL << shift) - 1;
                Physical = (isLarge ? LargeAddress(entry, shift) : entry & (mode.IsLegacy ? 0xFFFFF000 : PageEntry.AddressMask)) | offset;
                return Outcome.Found;
            }
            if (marks && !TryMark(leaf, entry, PageEntry.Accessed))
            {
                return Outcome.Changed;
            }
            table = entry & (mode.IsLegacy ? 0xFFFFF000 : PageEntry.AddressMask);
        }
    }

    readonly bool TryMark(ulong address, ulong entry, ulong bits) =>
        (entry & bits) == bits || memory.TryExchangeEntry(address, mode.EntrySize, entry, entry | bits);

    readonly bool CanBeLarge(int level) => level switch
    {
        2 => !mode.IsLegacy || (s->Cr4 & Cr4.PageSizeExtensions) != 0,
        3 => cpu.Model.Has(CpuFeature.Page1Gb),
        _ => false,
    };

    readonly ulong LargeAddress(ulong entry, int shift)
    {
        if (!mode.IsLegacy)
        {
            return entry & PageEntry.AddressMask & ~((1UL << shift) - 1);
        }
        // PSE-36: bits 13-20 are bits 32-39 of the address.
        return entry & 0xFFC00000 | (cpu.Model.Has(CpuFeature.Pse36) ? (entry & 0x1FE000) << 19 : 0);
    }

    /// <summary>Bits that must be zero at a level, beside those that must be at all.</summary>
    readonly ulong ReservedBits(int level, bool isLarge)
    {
        if (mode.IsLegacy)
        {
            return !isLarge ? 0 : cpu.Model.Has(CpuFeature.Pse36) ? 1UL << 21 | (s->PhysicalReserved >> 19 & 0x1FE000) : 0x3FE000;
        }
        // The lowest bit of a large page's address part is its PAT bit.
        return isLarge ? (1UL << MemoryBlock.PageShift + mode.IndexBits * (level - 1)) - 1 & ~0x1FFFUL : level > 2 ? PageEntry.Large : 0;
    }

    static ulong ReservedBits(CpuState* s, PagingMode mode)
    {
        if (mode.IsLegacy)
        {
            return 0;
        }
        // In PAE paging bits 62-52 are reserved too; in 4-level paging they are ignored.
        ulong high = mode.IsPae ? 0x7FFUL << 52 : 0;
        return s->PhysicalReserved & PageEntry.AddressMask | high | ((s->Efer & Efer.NoExecute) == 0 ? PageEntry.NoExecute : 0);
    }

    readonly bool IsAllowed(AccessKind kind, TlbSet set)
    {
        bool isUserPage = (Rights & PageEntry.User) != 0, isWritable = (Rights & PageEntry.Writable) != 0;
        if (kind == AccessKind.Execute && (Rights & PageEntry.NoExecute) != 0)
        {
            return false;
        }
        if (set == TlbSet.User)
        {
            return isUserPage && (isWritable || kind != AccessKind.Write);
        }
        if (isUserPage && kind == AccessKind.Execute && (s->Cr4 & Cr4.SupervisorExecutionPrevention) != 0)
        {
            return false;
        }
        if (isUserPage && kind != AccessKind.Execute && set == TlbSet.Supervisor && (s->Cr4 & Cr4.SupervisorAccessPrevention) != 0)
        {
            return false;
        }
        return kind != AccessKind.Write || isWritable || (s->Cr0 & Cr0.WriteProtect) == 0;
    }

    readonly uint Code(AccessKind kind, TlbSet set)
    {
        bool tellsFetches = (s->Cr4 & Cr4.SupervisorExecutionPrevention) != 0 || (!mode.IsLegacy && (s->Efer & Efer.NoExecute) != 0);
        return (kind == AccessKind.Write ? PageFaultCode.Write : 0)
            | (set == TlbSet.User ? PageFaultCode.User : 0)
            | (kind == AccessKind.Execute && tellsFetches ? PageFaultCode.Fetch : 0);
    }
}
