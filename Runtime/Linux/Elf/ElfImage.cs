using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Elf;

/// <summary>Reads a file at an offset; returns the number of bytes read, fewer at the end of the file.</summary>
delegate int ReadAt(ulong offset, Span<byte> buffer);

/// <summary>What the loader has to know of an ELF program; checked, so that no field can lead it astray.</summary>
sealed class ElfImage
{
    public required LinuxAbi Abi { get; init; }

    /// <summary>ET_DYN: may be placed anywhere.</summary>
    public required bool IsPositionIndependent { get; init; }

    public required ulong Entry { get; init; }

    /// <summary>The loadable segments, at least one, in ascending order.</summary>
    public required IReadOnlyList<ElfSegment> Segments { get; init; }

    /// <summary>Path of the dynamic linker, as bytes; null for a static program.</summary>
    public required byte[]? Interpreter { get; init; }

    /// <summary>Address of the program headers in memory, before relocation; 0 when no segment holds them.</summary>
    public required ulong HeadersAddress { get; init; }

    public required int HeaderCount { get; init; }

    public required int HeaderSize { get; init; }

    /// <summary>PT_GNU_STACK asks for an executable stack.</summary>
    public required bool ExecutableStack { get; init; }

    /// <summary>An i386 program without PT_GNU_STACK: all that is readable is executable.</summary>
    public required bool ReadImpliesExecute { get; init; }

    /// <summary>First page of the image, before relocation.</summary>
    public ulong Start => Segments[0].Address & ~(AddressSpace.PageSize - 1);

    /// <summary>End of the image, rounded up to a page, before relocation.</summary>
    public ulong End => (Segments.Max(segment => segment.End) + AddressSpace.PageSize - 1) & ~(AddressSpace.PageSize - 1);
}
