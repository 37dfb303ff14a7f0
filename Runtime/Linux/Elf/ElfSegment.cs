using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Elf;

/// <summary>A PT_LOAD program header.</summary>
/// <param name="Address">Virtual address, before relocation.</param>
/// <param name="MemorySize">Bytes in memory.</param>
/// <param name="FileOffset">Where its contents are in the file.</param>
/// <param name="FileSize">Bytes that come from the file; the rest is zero.</param>
/// <param name="Protection">Rights.</param>
readonly record struct ElfSegment(ulong Address, ulong MemorySize, ulong FileOffset, ulong FileSize, MemoryProtection Protection)
{
    public ulong End => Address + MemorySize;
}
