using FastVcpu.Memory;

namespace FastVcpu.Execution;

/// <summary>
/// Marks a page as holding code while it is being decoded. The first mark guards the page in every CPU's write TLB, so that no write
/// between reading the bytes and recording the block goes unnoticed.
/// </summary>
sealed class CodePin : IDisposable
{
    public CodePin(Vcpu cpu, MemoryBlock memory, ulong offset)
    {
        Memory = memory;
        Offset = offset & Tlb.PageMask;
        if (memory.AddCodeBlock(Offset) == 1)
        {
            cpu.Domain.FlushWriteTlbs();
        }
    }

    public MemoryBlock Memory { get; }

    /// <summary>Offset of the page in <see cref="Memory"/>.</summary>
    public ulong Offset { get; }

    public void Dispose() => Memory.RemoveCodeBlock(Offset);
}
