using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Memory;

/// <summary>
/// The memory of a guest process: its mappings and the <see cref="AddressSpace"/> that shows them. One lock orders changes of the map and
/// the accesses of system calls, so that no call touches memory that another guest thread is giving back.
/// </summary>
sealed partial class GuestMemory : IDisposable
{
    public const ulong PageSize = AddressSpace.PageSize;

    /// <summary>Nothing is placed below this (vm.mmap_min_addr).</summary>
    const ulong LowestAddress = 0x10000;

    readonly Lock _lock = new();
    readonly MappingList _mappings;
    readonly ulong _limit;
    ulong _breakStart;
    ulong _break;
    int _users = 1;

    /// <summary>Creates an empty memory.</summary>
    /// <param name="abi">Decides the range of addresses.</param>
    /// <param name="limit">The most bytes of host memory that the process may use.</param>
    public GuestMemory(LinuxAbi abi, ulong limit)
    {
        Abi = abi;
        _limit = limit;
        Space = new AddressSpace(limit);
        _mappings = new MappingList();
    }

    GuestMemory(GuestMemory parent)
    {
        Abi = parent.Abi;
        _limit = parent._limit;
        Space = parent.Space.Clone();
        _mappings = new MappingList(parent._mappings);
        _breakStart = parent._breakStart;
        _break = parent._break;
        ReadImpliesExecute = parent.ReadImpliesExecute;
        foreach (GuestMapping mapping in _mappings.All)
        {
            if (mapping.Shared is { } shared)
            {
                Space.Map(mapping.Start, shared.Slice(mapping.Offset, mapping.Size), Permissions(mapping.Protection));
            }
        }
    }

    public LinuxAbi Abi { get; }

    public AddressSpace Space { get; }

    /// <summary>Old i386 programs, without PT_GNU_STACK, may execute whatever they may read.</summary>
    public bool ReadImpliesExecute { get; set; }

    /// <summary>A snapshot of the mappings.</summary>
    public List<GuestMapping> Mappings
    {
        get
        {
            lock (_lock)
            {
                return [.. _mappings.All];
            }
        }
    }

    /// <summary>An independent copy for fork; shared mappings stay shared. Null: the host has no memory for it.</summary>
    public GuestMemory? TryClone()
    {
        lock (_lock)
        {
            try
            {
                return new GuestMemory(this);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }
        }
    }

    /// <summary>What is mapped where, and where the heap ends; not the contents.</summary>
    public (MappingList Mappings, ulong Break) SaveLayout()
    {
        lock (_lock)
        {
            return (new MappingList(_mappings), _break);
        }
    }

    /// <summary>Goes back to a saved layout; the caller has restored <see cref="Space"/>.</summary>
    public void RestoreLayout((MappingList Mappings, ulong Break) saved)
    {
        lock (_lock)
        {
            _mappings.CopyFrom(saved.Mappings);
            _break = saved.Break;
        }
    }

    /// <summary>Another process uses the same memory (CLONE_VM).</summary>
    public GuestMemory AddUser()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>One user less; the last one returns the memory to the host.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) != 0)
        {
            return;
        }

        lock (_lock)
        {
            WriteBack(_mappings.All);
            Space.Dispose();
        }
    }

    /// <summary>Maps zeroed memory in the place of whatever is there. False: no memory.</summary>
    public bool Map(ulong address, ulong size, MemoryProtection protection, string name = "")
    {
        lock (_lock)
        {
            return TryMap(new GuestMapping(address, address + size, protection, name, 0, null));
        }
    }

    /// <summary>Maps a private copy of a part of a file in the place of whatever is there; what lies behind the file's end is zero.</summary>
    public bool MapFile(ulong address, ulong size, MemoryProtection protection, HostFile file, ulong offset, string name)
    {
        lock (_lock)
        {
            if (!TryMap(new GuestMapping(address, address + size, protection, name, offset, null)))
            {
                return false;
            }

            byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Min(size, 1 << 20));
            try
            {
                for (ulong done = 0; done < size;)
                {
                    Span<byte> part = buffer.AsSpan(0, (int)Math.Min(size - done, (ulong)buffer.Length));
                    long count = Files.FileReader.Read(file, (long)(offset + done), part);
                    if (count <= 0)
                    {
                        break;
                    }

                    if (!Space.TryWrite(address + done, part[..(int)count]))
                    {
                        Discard(address, address + size);
                        return false;
                    }

                    done += (ulong)count;
                }
            }
            finally
            {
                System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
            }

            return true;
        }
    }

    /// <summary>Maps shared memory in the place of whatever is there.</summary>
    public bool MapShared(ulong address, ulong size, MemoryProtection protection, SharedMemory shared, ulong offset, string name)
    {
        lock (_lock)
        {
            return TryMap(new GuestMapping(address, address + size, protection, name, offset, shared));
        }
    }

    /// <summary>A free range for a mapping, as near as possible below the usual place, or at the hint when that is free; 0 when there is none.</summary>
    public ulong FindFree(ulong size, ulong hint, ulong limit = ulong.MaxValue)
    {
        lock (_lock)
        {
            bool usable = hint >= LowestAddress && hint + size > hint && hint + size <= Math.Min(limit, Abi.UserLimit);
            if (usable && _mappings.IsFree(hint, hint + size))
            {
                return hint;
            }

            ulong found = _mappings.FindFree(size, LowestAddress, Math.Min(limit, Abi.MapTop));
            return found != 0 ? found : _mappings.FindFree(size, LowestAddress, Math.Min(limit, Abi.UserLimit));
        }
    }

    /// <summary>The shared memory behind an address, and the place in it; null for private memory.</summary>
    public (SharedMemory Memory, ulong Offset)? FindShared(ulong address)
    {
        lock (_lock)
        {
            return _mappings.Find(address) is { Shared: { } shared } mapping ? (shared, mapping.Offset + (address - mapping.Start)) : null;
        }
    }

    public bool IsFree(ulong address, ulong size)
    {
        lock (_lock)
        {
            return _mappings.IsFree(address, address + size);
        }
    }

    /// <summary>Whether a range lies inside what a program may use at all.</summary>
    public bool IsUserRange(ulong address, ulong size) => address + size >= address && address + size <= Abi.UserLimit;

    /// <summary>munmap.</summary>
    public void Unmap(ulong address, ulong size)
    {
        lock (_lock)
        {
            WriteBack(_mappings.Between(address, address + size));
            Discard(address, address + size);
        }
    }

    /// <summary>mprotect. False: a page is not mapped (the pages before it have changed, as in Linux).</summary>
    public bool Protect(ulong address, ulong size, MemoryProtection protection)
    {
        lock (_lock)
        {
            ulong next = address;
            foreach (GuestMapping part in _mappings.Between(address, address + size))
            {
                if (part.Start != next)
                {
                    return false;
                }

                Space.Protect(part.Start, part.Size, Permissions(protection));
                _mappings.Add(part with { Protection = protection });
                next = part.End;
            }

            return next == address + size;
        }
    }

    /// <summary>Writes shared file mappings back (msync). False: a page is not mapped.</summary>
    public bool Synchronize(ulong address, ulong size)
    {
        lock (_lock)
        {
            WriteBack(_mappings.Between(address, address + size));
            return _mappings.IsCovered(address, address + size);
        }
    }

    /// <summary>Gives zeroed memory again in private anonymous mappings (MADV_DONTNEED). Returns a negated error number or 0.</summary>
    public long Reset(ulong address, ulong size)
    {
        lock (_lock)
        {
            List<GuestMapping> parts = _mappings.Between(address, address + size);
            if (!parts.TrueForAll(part => part.IsPrivateAnonymous))
            {
                return -Errno.EINVAL;
            }

            foreach (GuestMapping part in parts)
            {
                Space.Unmap(part.Start, part.Size);
                if (!TryShow(part))
                {
                    _mappings.Remove(part.Start, part.End);
                    return -Errno.ENOMEM;
                }
            }

            return _mappings.IsCovered(address, address + size) ? 0 : -Errno.ENOMEM;
        }
    }

    /// <summary>Sets where the heap begins.</summary>
    public void SetBreakStart(ulong address) => _break = _breakStart = (address + PageSize - 1) & ~(PageSize - 1);

    /// <summary>brk: moves the end of the heap where that is possible; returns where it is.</summary>
    public ulong Break(ulong wanted)
    {
        lock (_lock)
        {
            ulong oldEnd = (_break + PageSize - 1) & ~(PageSize - 1);
            if (wanted < _breakStart || wanted > Abi.UserLimit - PageSize)
            {
                return _break;
            }

            ulong newEnd = (wanted + PageSize - 1) & ~(PageSize - 1);
            if (newEnd > oldEnd)
            {
                GuestMapping grown = new(oldEnd, newEnd, MemoryProtection.Read | MemoryProtection.Write, "[heap]", 0, null);
                if (!_mappings.IsFree(oldEnd, newEnd) || !TryMap(grown))
                {
                    return _break;
                }
            }
            else if (newEnd < oldEnd)
            {
                Discard(newEnd, oldEnd);
            }

            return _break = wanted;
        }
    }

    /// <summary>mremap. Returns the address, or a negated error number.</summary>
    public long Remap(ulong address, ulong oldSize, ulong newSize, bool mayMove, ulong? fixedTarget)
    {
        lock (_lock)
        {
            if (_mappings.Find(address) is not { } mapping || address + oldSize > mapping.End)
            {
                return -Errno.EFAULT;
            }

            GuestMapping part = mapping.Slice(address, address + oldSize);
            if (fixedTarget == null && newSize <= oldSize)
            {
                if (newSize < oldSize)
                {
                    Discard(address + newSize, address + oldSize);
                }

                return (long)address;
            }

            if (part.Shared is { } shared && !shared.Covers(part.Offset, newSize))
            {
                return -Errno.ENOMEM;
            }

            bool isFree = _mappings.IsFree(address + oldSize, address + newSize) && address + newSize <= Abi.UserLimit;
            if (fixedTarget == null && part.IsPrivateAnonymous && isFree)
            {
                return TryMap(part with { Start = part.End, End = address + newSize }) ? (long)address : -Errno.ENOMEM;
            }

            if (fixedTarget == null && !mayMove)
            {
                return -Errno.ENOMEM;
            }

            ulong target = fixedTarget ?? _mappings.FindFree(newSize, LowestAddress, Abi.MapTop);
            return target == 0 ? -Errno.ENOMEM : Move(part, target, newSize);
        }
    }

    long Move(GuestMapping part, ulong target, ulong newSize)
    {
        if (!TryMap(part with { Start = target, End = target + newSize }))
        {
            return -Errno.ENOMEM;
        }

        if (part.Shared == null)
        {
            byte[] buffer = new byte[Math.Min(part.Size, 1 << 20)];
            for (ulong done = 0; done < Math.Min(part.Size, newSize); done += (ulong)buffer.Length)
            {
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(Math.Min(part.Size, newSize) - done, (ulong)buffer.Length));
                if (!Space.TryRead(part.Start + done, piece) || !Space.TryWrite(target + done, piece))
                {
                    Discard(target, target + newSize);
                    return -Errno.ENOMEM;
                }
            }
        }

        Discard(part.Start, part.End);
        return (long)target;
    }

    bool TryMap(GuestMapping mapping)
    {
        WriteBack(_mappings.Between(mapping.Start, mapping.End));
        Discard(mapping.Start, mapping.End);
        if (!TryShow(mapping))
        {
            return false;
        }

        _mappings.Add(mapping);
        return true;
    }

    bool TryShow(GuestMapping mapping)
    {
        if (mapping.Shared is { } shared)
        {
            Space.Map(mapping.Start, shared.Slice(mapping.Offset, mapping.Size), Permissions(mapping.Protection));
            return true;
        }

        try
        {
            Space.Map(mapping.Start, mapping.Size, Permissions(mapping.Protection));
            return true;
        }
        catch (ArgumentException)
        {
            // The only argument that can be wrong here is the size: it is beyond what the memory limit leaves.
            return false;
        }
    }

    void Discard(ulong start, ulong end)
    {
        if (_mappings.Remove(start, end).Count > 0)
        {
            Space.Unmap(start, end - start);
        }
    }

    static void WriteBack(IEnumerable<GuestMapping> mappings)
    {
        foreach (GuestMapping mapping in mappings)
        {
            mapping.Shared?.WriteBack();
        }
    }

    /// <summary>Without protection keys, x86 cannot make memory executable or writable and not readable.</summary>
    PagePermissions Permissions(MemoryProtection protection)
    {
        if (protection == MemoryProtection.None)
        {
            return PagePermissions.None;
        }

        bool executable = ReadImpliesExecute && (protection & MemoryProtection.Read) != 0;
        return (PagePermissions)protection | PagePermissions.Read | (executable ? PagePermissions.Execute : PagePermissions.None);
    }
}
