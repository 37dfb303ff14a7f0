using System.Diagnostics.CodeAnalysis;
using FastVcpu.Privileged.Paging;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>Memory slots of a virtual machine, and what its CPUs see of them: through their page tables, or directly while paging is off.</summary>
sealed unsafe partial class PhysicalMemory : Translator, IDisposable
{
    readonly record struct Slot(int Number, ulong Start, ulong Size, MemoryBlock Block, bool IsReadOnly);

    volatile Slot[] slots = [];

    /// <summary>Puts memory at a slot, replacing what the slot had; null removes it.</summary>
    public void Set(int number, ulong start, MemoryBlock? block, bool isReadOnly)
    {
        List<Slot> removed;
        lock (Domain.MapLock)
        {
            if (block != null && slots.FirstOrDefault(s => s.Number != number && start < s.Start + s.Size && s.Start < start + block.Size) is { Block: not null } other)
            {
                block.Release();
                throw new ArgumentException($"The range overlaps slot {other.Number} at {other.Start:x}h.", nameof(start));
            }
            removed = [.. slots.Where(s => s.Number == number)];
            IEnumerable<Slot> kept = slots.Where(s => s.Number != number);
            slots = block == null ? [.. kept] : [.. kept, new Slot(number, start, block.Size, block, isReadOnly)];
        }
        Domain.FlushTranslations();
        foreach (Slot slot in removed)
        {
            Retire(slot);
        }
    }

    public override Translation Translate(Vcpu cpu, ulong address, AccessKind kind, TlbSet set)
    {
        if ((cpu.State->Cr0 & Cr0.Paging) == 0)
        {
            return TranslatePhysical(address, kind);
        }
        PageWalk walk = new(cpu, this, address);
        return walk.TryAccess(kind, set, out uint errorCode)
            ? TranslatePhysical(walk.Physical, kind)
            : new Translation { Status = TranslationStatus.PageFault, ErrorCode = errorCode };
    }

    public override LinearTranslation LookUp(Vcpu cpu, ulong linear)
    {
        if ((cpu.State->Cr0 & Cr0.Paging) == 0)
        {
            return new LinearTranslation(linear, true, true, true);
        }
        PageWalk walk = new(cpu, this, linear);
        return walk.TryLookUp()
            ? new LinearTranslation(walk.Physical, true, (walk.Rights & PageEntry.Writable) != 0, (walk.Rights & PageEntry.User) != 0)
            : LinearTranslation.None;
    }

    Translation TranslatePhysical(ulong address, AccessKind kind)
    {
        ulong page = address & Tlb.PageMask;
        foreach (Slot slot in slots)
        {
            if (page - slot.Start < slot.Size)
            {
                return slot.IsReadOnly && kind == AccessKind.Write
                    ? new Translation { Status = TranslationStatus.Mmio, Physical = page }
                    : new Translation { Block = slot.Block, Offset = page - slot.Start, Physical = page };
            }
        }
        return new Translation { Status = TranslationStatus.Mmio, Physical = page };
    }

    /// <summary>Copies from physical memory; false when a byte is in no slot.</summary>
    public override bool TryRead(ulong address, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            if (!TryFind(address, out MemoryBlock? block, out ulong offset))
            {
                return false;
            }
            int count = (int)Math.Min(block.Size - offset, (ulong)destination.Length);
            new ReadOnlySpan<byte>(block.Pointer + offset, count).CopyTo(destination);
            destination = destination[count..];
            address += (ulong)count;
        }
        return true;
    }

    /// <summary>Copies to physical memory, read-only slots too; false when a byte is in no slot, the bytes before it written.</summary>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            if (!TryFind(address, out MemoryBlock? block, out ulong offset))
            {
                return false;
            }
            int count = (int)Math.Min(block.Size - offset, (ulong)source.Length);
            block.NoteHostWrite(offset, (ulong)count);
            source[..count].CopyTo(new Span<byte>(block.Pointer + offset, count));
            Domain.CodeChanged(block, offset, (ulong)count);
            source = source[count..];
            address += (ulong)count;
        }
        return true;
    }

    /// <summary>An entry of 4 or 8 bytes of a paging structure; all ones where no memory is.</summary>
    public ulong ReadEntry(ulong address, int size)
    {
        if (!TryFind(address, out MemoryBlock? block, out ulong offset))
        {
            return ulong.MaxValue;
        }
        byte* p = block.Pointer + offset;
        return size == sizeof(uint) ? Volatile.Read(ref *(uint*)p) : Volatile.Read(ref *(ulong*)p);
    }

    /// <summary>Replaces an entry that has been read; false when it has changed since. What cannot be written stays.</summary>
    public bool TryExchangeEntry(ulong address, int size, ulong expected, ulong desired)
    {
        if (TranslatePhysical(address, AccessKind.Write) is not { Status: TranslationStatus.Memory, Block: { } block, Offset: var page })
        {
            return true;
        }
        ulong offset = page | address & ~Tlb.PageMask;
        byte* p = block.Pointer + offset;
        bool done = size == sizeof(uint) ? Atomic.TryExchange(p, (uint)expected, (uint)desired) : Atomic.TryExchange(p, expected, desired);
        if (done)
        {
            block.NoteGuestWrite(offset);
            Domain.CodeChanged(block, offset, (ulong)size);
        }
        return done;
    }

    /// <summary>The dirty log of a slot, copied and cleared; false when there is no such slot, or no log of it.</summary>
    public bool TryTakeLog(int number, Span<byte> bitmap)
    {
        if (Find(number) is not { Block.Log: { } log })
        {
            return false;
        }
        log.Take(bitmap);
        Domain.FlushWriteTlbs();
        return true;
    }

    /// <summary>Changes how a slot behaves; false when there is no such slot.</summary>
    public bool TrySetOptions(int number, bool isReadOnly, bool isLogged)
    {
        lock (Domain.MapLock)
        {
            if (Find(number) is not { Block: { } block } slot)
            {
                return false;
            }
            block.Log = !isLogged ? null : block.Log ?? new DirtyLog(block.Size);
            slots = [.. slots.Select(s => s.Number == number ? slot with { IsReadOnly = isReadOnly } : s)];
        }
        Domain.FlushTranslations();
        return true;
    }

    /// <summary>Bytes of a slot; 0 when there is none.</summary>
    public ulong SizeOf(int number) => Find(number).Size;

    Slot Find(int number) => slots.FirstOrDefault(s => s.Number == number);

    public void Dispose()
    {
        foreach (Slot slot in slots)
        {
            Retire(slot);
        }
        slots = [];
    }

    bool TryFind(ulong address, [NotNullWhen(true)] out MemoryBlock? block, out ulong offset)
    {
        foreach (Slot slot in slots)
        {
            if (address - slot.Start < slot.Size)
            {
                (block, offset) = (slot.Block, address - slot.Start);
                return true;
            }
        }
        (block, offset) = (null, 0);
        return false;
    }

    void Retire(Slot slot)
    {
        Domain.CodeChanged(slot.Block, 0, slot.Size);
        slot.Block.Release();
    }
}
