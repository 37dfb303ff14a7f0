using System.Diagnostics.CodeAnalysis;

namespace FastVcpu.Memory;

/// <summary>Memory slots of a virtual machine, seen by CPUs whose paging is off.</summary>
sealed unsafe class PhysicalMemory : Translator, IDisposable
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

    public override Translation Translate(Vcpu cpu, ulong address, AccessKind kind)
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
    public bool TryRead(ulong address, Span<byte> destination)
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
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            if (!TryFind(address, out MemoryBlock? block, out ulong offset))
            {
                return false;
            }
            int count = (int)Math.Min(block.Size - offset, (ulong)source.Length);
            source[..count].CopyTo(new Span<byte>(block.Pointer + offset, count));
            Domain.CodeChanged(block, offset, (ulong)count);
            source = source[count..];
            address += (ulong)count;
        }
        return true;
    }

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
