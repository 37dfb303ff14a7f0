using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Memory;

/// <summary>
/// One bit for each page that a guest has written. Accesses find a page in a write TLB only after its bit is set, so that only the first write after
/// a look at the log costs anything.
/// </summary>
sealed class DirtyLog(ulong size)
{
    /// <summary>Groups that are looked at one by one before many are at a time.</summary>
    const int Near = 8;

    readonly ulong[] words = new ulong[((size >> MemoryBlock.PageShift) + 63) / 64];

    /// <summary>Bytes of the bitmap.</summary>
    public int Length { get; } = (int)(((size >> MemoryBlock.PageShift) + 7) / 8);

    /// <summary>Groups of 64 pages.</summary>
    public int WordCount => words.Length;

    /// <summary>No page has been written.</summary>
    public bool IsEmpty => !words.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>Pages that have been written.</summary>
    public int Count => words.Sum(BitOperations.PopCount);

    /// <summary>The bits of a group.</summary>
    public ulong Word(int index) => words[index];

    /// <summary>The first group from an index on in which a page has been written; <see cref="WordCount"/>: there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int NextWord(int index)
    {
        ulong[] all = words;
        // Most blocks are small, and most groups that are written stand side by side.
        for (int near = Math.Min(index + Near, all.Length); index < near; index++)
        {
            if (all[index] != 0)
            {
                return index;
            }
        }
        return index == all.Length ? index : NextFarWord(index);
    }

    /// <summary>No page has been written. The caller then guards the write TLBs.</summary>
    public void Clear() => words.AsSpan().Clear();

    /// <summary>The page at an offset is about to be written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Mark(ulong offset)
    {
        ulong page = offset >> MemoryBlock.PageShift, bit = 1UL << (int)(page & 63);
        ref ulong word = ref words[page / 64];
        if ((Volatile.Read(ref word) & bit) == 0)
        {
            Interlocked.Or(ref word, bit);
        }
    }

    /// <summary>Copies the bits and clears them. The caller then guards the write TLBs: what is written until that is done belongs to the copy.</summary>
    public void Take(Span<byte> bitmap)
    {
        for (int i = 0; i < words.Length; i++)
        {
            ulong word = Interlocked.Exchange(ref words[i], 0);
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(ref word));
            bytes[..Math.Min(8, Length - i * 8)].CopyTo(bitmap[(i * 8)..]);
        }
    }

    int NextFarWord(int index)
    {
        int skipped = words.AsSpan(index).IndexOfAnyExcept(0UL);
        return skipped < 0 ? words.Length : index + skipped;
    }
}
