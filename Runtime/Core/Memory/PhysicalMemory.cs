namespace FastVcpu.Memory;

/// <summary>Memory slots of a virtual machine, seen by CPUs whose paging is off.</summary>
sealed class PhysicalMemory : Translator, IDisposable
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

    /// <summary>The memory from a physical address to the end of its slot; empty where none is.</summary>
    public unsafe Span<byte> Find(ulong address)
    {
        foreach (Slot slot in slots)
        {
            if (address - slot.Start < slot.Size)
            {
                ulong offset = address - slot.Start;
                return new Span<byte>(slot.Block.Pointer + offset, (int)Math.Min(slot.Size - offset, int.MaxValue));
            }
        }
        return default;
    }

    public void Dispose()
    {
        foreach (Slot slot in slots)
        {
            Retire(slot);
        }
        slots = [];
    }

    unsafe void Retire(Slot slot)
    {
        Domain.CodeChanged(slot.Block.Pointer, slot.Size);
        slot.Block.Release();
    }
}
