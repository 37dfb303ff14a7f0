namespace FastVcpu.Memory;

/// <summary>What an access wants.</summary>
enum AccessKind
{
    Read,
    Write,
    Execute,
}

/// <summary>How a translation ended.</summary>
enum TranslationStatus
{
    /// <summary>The page is memory that the access may use.</summary>
    Memory,
    /// <summary>Nothing is there that this part of the machine owns: the embedder gets an MMIO exit.</summary>
    Mmio,
    /// <summary>#PF with <see cref="Translation.ErrorCode"/>.</summary>
    PageFault,
}

/// <summary>Where a linear page lies.</summary>
struct Translation
{
    public TranslationStatus Status;
    public uint ErrorCode;
    public MemoryBlock? Block;
    /// <summary>Offset of the page in <see cref="Block"/>.</summary>
    public ulong Offset;
    /// <summary>Physical address of the page; equal to the linear one where no physical address space exists.</summary>
    public ulong Physical;
}

/// <summary>Maps linear pages to memory: the guest's page tables over physical slots, or a map that the host defines.</summary>
abstract class Translator
{
    /// <summary>Translates the page that holds <paramref name="address"/>, which is canonical, with the rights that accesses through a TLB set have.</summary>
    public abstract Translation Translate(Vcpu cpu, ulong address, AccessKind kind, TlbSet set);

    /// <summary>Translates for the host, without an access: no page is populated, no bit set, nothing cached.</summary>
    public abstract LinearTranslation LookUp(Vcpu cpu, ulong linear);

    /// <summary>Copies from memory at what <see cref="LookUp"/> gives; false when a byte is not there.</summary>
    public abstract bool TryRead(ulong physical, Span<byte> destination);

    /// <summary>Copies to memory at what <see cref="LookUp"/> gives, whatever the permissions; false when a byte is not there.</summary>
    public abstract bool TryWrite(ulong physical, ReadOnlySpan<byte> source);

    /// <summary>The CPUs that share this memory, and the order in which they change it.</summary>
    public MemoryDomain Domain { get; } = new();
}
