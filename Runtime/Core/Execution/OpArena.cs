using System.Runtime.InteropServices;

namespace FastVcpu.Execution;

/// <summary>
/// Memory for decoded ops: chunks aligned to their size, so that an op finds what is known about it beyond its 48 bytes. Ops are given
/// back all at once.
/// </summary>
sealed unsafe class OpArena : IDisposable
{
    const int ChunkSize = 1 << 20;
    const int OpSize = 48;
    const int KeyBytes = sizeof(uint);
    const int Capacity = (ChunkSize - 64) / (OpSize + KeyBytes);
    const int FirstOp = ChunkSize - Capacity * OpSize;

    /// <summary>The key value of ops that are not instructions.</summary>
    public const uint StubKey = uint.MaxValue;

    readonly List<nint> chunks = [];
    readonly int chunkLimit;
    int used = Capacity;

    /// <param name="byteLimit">Memory that decoded code may take, in bytes; at least one chunk.</param>
    public OpArena(long byteLimit) => chunkLimit = (int)Math.Max(1, byteLimit / ChunkSize);

    /// <summary>Bytes taken from the host.</summary>
    public long Bytes => (long)chunks.Count * ChunkSize;

    /// <summary>Room for consecutive ops, or null when the limit is reached.</summary>
    public Op* Allocate(int count)
    {
        if (used + count > Capacity)
        {
            if (chunks.Count == chunkLimit)
            {
                return null;
            }
            nint chunk = (nint)NativeMemory.AlignedAlloc(ChunkSize, ChunkSize);
            chunks.Add(chunk);
            used = 0;
        }
        Op* result = (Op*)(chunks[^1] + FirstOp) + used;
        used += count;
        return result;
    }

    /// <summary>The handler key of an op.</summary>
    public static ref HandlerKey Key(Op* op)
    {
        byte* chunk = (byte*)((nuint)op & ~(nuint)(ChunkSize - 1));
        long index = op - (Op*)(chunk + FirstOp);
        return ref *(HandlerKey*)(chunk + index * KeyBytes);
    }

    /// <summary>Takes all ops back; nothing may point to one any more.</summary>
    public void Clear()
    {
        foreach (nint chunk in chunks)
        {
            NativeMemory.AlignedFree((void*)chunk);
        }
        chunks.Clear();
        used = Capacity;
    }

    public void Dispose()
    {
        Clear();
        GC.SuppressFinalize(this);
    }

    ~OpArena() => Clear();
}
