using System.Buffers.Binary;
using System.Security.Cryptography;
using FastVcpu.Snapshots;

namespace FastVcpu.Memory;

/// <summary>Going back to earlier contents. No CPU runs meanwhile.</summary>
sealed unsafe partial class PhysicalMemory
{
    /// <summary>Freezes slots and contents. From now on the pages that are written are recorded.</summary>
    public SnapshotSlot[] TakeSnapshot()
    {
        SnapshotSlot[] taken;
        lock (Domain.MapLock)
        {
            taken = [.. slots.OrderBy(slot => slot.Number).Select(slot => new SnapshotSlot(slot.Number, slot.Start, slot.IsReadOnly, Freeze(slot.Block)))];
        }
        Domain.FlushWriteTlbs();
        return taken;
    }

    /// <summary>
    /// Makes slots and contents what they were. Of a slot that shows the same image already, the pages written since are copied; memory of the embedder is compared
    /// as a whole; everything else becomes a view of the image.
    /// </summary>
    public void Restore(SnapshotSlot[] saved)
    {
        List<Slot> removed = [];
        lock (Domain.MapLock)
        {
            Slot[] before = slots;
            bool changes = before.Length != saved.Length;
            foreach (SnapshotSlot wanted in saved)
            {
                Slot slot = Find(wanted.Number);
                if (IsSame(slot, wanted) && (slot.Block.Image == wanted.Image || slot.Block.IsOfEmbedder))
                {
                    wanted.Image.CopyTo(slot.Block, Domain);
                    slot.Block.Changes?.Clear();
                }
                else
                {
                    changes = true;
                }
            }
            if (changes)
            {
                slots = [.. saved.Select(Show)];
                removed = [.. before.Where(slot => !slots.Any(kept => kept.Block == slot.Block))];
            }
        }
        if (removed.Count > 0)
        {
            Domain.FlushTranslations();
            removed.ForEach(Retire);
        }
        Domain.FlushWriteTlbs();
    }

    /// <summary>Adds slots and contents to a hash: pages of zeros by their number only, so that large memory that is not used costs little.</summary>
    public void AppendTo(IncrementalHash hash)
    {
        Span<byte> number = stackalloc byte[2 * sizeof(ulong)];
        foreach (Slot slot in slots.OrderBy(slot => slot.Number))
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, slot.Number * 2 + (slot.IsReadOnly ? 1 : 0));
            BinaryPrimitives.WriteUInt64LittleEndian(number[sizeof(ulong)..], slot.Start);
            hash.AppendData(number);
            for (ulong page = 0; page < slot.Size; page += MemoryBlock.PageSize)
            {
                ReadOnlySpan<byte> bytes = new(slot.Block.Pointer + page, (int)MemoryBlock.PageSize);
                if (bytes.ContainsAnyExcept((byte)0))
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(number, page);
                    hash.AppendData(number);
                    hash.AppendData(bytes);
                }
            }
        }
    }

    static bool IsSame(Slot slot, SnapshotSlot saved) =>
        slot.Block != null && slot.Start == saved.Start && slot.Size == saved.Image.Size && slot.IsReadOnly == saved.IsReadOnly;

    /// <summary>The slot that is there, if it has been brought back already; otherwise a new one.</summary>
    Slot Show(SnapshotSlot saved)
    {
        Slot same = Find(saved.Number);
        if (IsSame(same, saved) && same.Block.Image == saved.Image)
        {
            return same;
        }
        MemoryBlock block = new(saved.Image);
        block.Log = same.Block?.Log == null ? null : new DirtyLog(block.Size);
        return new Slot(saved.Number, saved.Start, saved.Image.Size, block, saved.IsReadOnly);
    }

    static MemoryImage Freeze(MemoryBlock block)
    {
        if (block.Image is { } known && block.Changes is { IsEmpty: true })
        {
            known.AddReference();
            return known;
        }
        MemoryImage image = new(block);
        block.StartChanges(image);
        return image;
    }
}
