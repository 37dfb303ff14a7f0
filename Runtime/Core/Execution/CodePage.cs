using FastVcpu.Memory;

namespace FastVcpu.Execution;

/// <summary>A page of guest memory that one CPU has decoded code from.</summary>
sealed class CodePage(MemoryBlock memory, ulong offset)
{
    const int LineShift = 6;

    public MemoryBlock Memory { get; } = memory;

    /// <summary>Offset of the page in <see cref="Memory"/>.</summary>
    public ulong Offset { get; } = offset;

    public List<Block> Blocks { get; } = [];

    /// <summary>One bit for each line of 64 bytes that holds code, so that writes to data beside it do not search.</summary>
    public ulong Lines { get; private set; }

    public void Add(Block block, int start, int end)
    {
        Blocks.Add(block);
        Lines |= LineMask(start, end);
        Memory.AddCodeBlock(Offset);
    }

    public void Remove(Block block)
    {
        // The last one takes its place: those that go are often the youngest.
        int index = Blocks.Count - 1;
        while (Blocks[index] != block)
        {
            index--;
        }
        Blocks[index] = Blocks[^1];
        Blocks.RemoveAt(Blocks.Count - 1);
        Memory.RemoveCodeBlock(Offset);
        if (Blocks.Count == 0)
        {
            Lines = 0;
        }
    }

    /// <summary>The lines that the bytes from <paramref name="start"/> up to, not including, <paramref name="end"/> touch.</summary>
    public static ulong LineMask(int start, int end)
    {
        int first = start >> LineShift, last = (end - 1) >> LineShift;
        return (ulong.MaxValue << first) & (ulong.MaxValue >> (63 - last));
    }
}
