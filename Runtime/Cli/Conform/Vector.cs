namespace FastVcpu.Cli.Conform;

/// <summary>A piece of memory in a vector: an address and where its bytes lie in <see cref="Vector.Bytes"/>.</summary>
readonly record struct MemoryChunk(ulong Address, int Offset, int Length);

/// <summary>Memory that is not compared in full: bits of <paramref name="Undefined"/> are ignored in each of the bytes, low byte first, repeated.</summary>
readonly record struct MemoryMask(ulong Address, int Length, ushort Undefined);

/// <summary>An exception as a vector states it.</summary>
/// <param name="Vector">Vector, or -1 for none.</param>
/// <param name="ErrorCode">Error code, or null when the exception has none.</param>
/// <param name="Address">CR2 of a page fault.</param>
/// <param name="IsDelivered">The state after is the one at the handler's first instruction.</param>
readonly record struct VectorException(int Vector, uint? ErrorCode, ulong? Address, bool IsDelivered)
{
    public static readonly VectorException None = new(-1, null, null, false);

    /// <summary>The CPU left the run for something that no vector expects, or null.</summary>
    public ExitReason? OtherExit { get; init; }
}

/// <summary>How far a result may lie from the recorded one.</summary>
enum ToleranceKind
{
    Exact,
    /// <summary>Relative, for each f32 lane.</summary>
    RelativeSingle,
    /// <summary>Relative, for each f64 lane.</summary>
    RelativeDouble,
    /// <summary>Units in the last place of x87 registers.</summary>
    UnitsInLastPlace,
}

/// <summary>One line of a vector file. The object is used again for the next line.</summary>
sealed class Vector
{
    public VectorMode Mode;
    public int Line;
    public string Name = "";
    public string Code = "";
    /// <summary>CPUID features that the encoding needs, joined by '+', or empty.</summary>
    public string Features = "";
    public readonly byte[] Initial = new byte[RegisterImage.Size];
    public readonly byte[] Expected = new byte[RegisterImage.Size];
    /// <summary>Bits that are undefined after the instruction, and those that the mode does not have.</summary>
    public readonly byte[] Undefined = new byte[RegisterImage.Size];
    public uint UndefinedFlags;
    public VectorException Exception;
    public ToleranceKind Tolerance;
    public double ToleranceValue;
    public readonly List<MemoryChunk> Memory = [];
    public readonly List<MemoryChunk> MemoryAfter = [];
    public readonly List<MemoryMask> MemoryUndefined = [];

    byte[] bytes = new byte[4096];
    int used;

    /// <summary>The instruction.</summary>
    public MemoryChunk Instruction;

    /// <summary>The bytes of a chunk.</summary>
    public ReadOnlySpan<byte> Bytes(MemoryChunk chunk) => bytes.AsSpan(chunk.Offset, chunk.Length);

    /// <summary>Room for a chunk's bytes.</summary>
    public Span<byte> Allocate(ulong address, int length, out MemoryChunk chunk)
    {
        if (bytes.Length - used < length)
        {
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, used + length));
        }

        chunk = new MemoryChunk(address, used, length);
        used += length;
        return bytes.AsSpan(chunk.Offset, length);
    }

    /// <summary>Back to what an empty line would say.</summary>
    public void Reset(VectorMode mode, int line)
    {
        Mode = mode;
        Line = line;
        Name = Code = Features = "";
        RegisterImage.Defaults(mode).CopyTo(Initial);
        RegisterImage.NotCompared(mode).CopyTo(Undefined);
        UndefinedFlags = 0;
        Exception = VectorException.None;
        Tolerance = ToleranceKind.Exact;
        Memory.Clear();
        MemoryAfter.Clear();
        MemoryUndefined.Clear();
        used = 0;
        Instruction = default;
    }
}
