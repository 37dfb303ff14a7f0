namespace FastVcpu;

/// <summary>A comparison that ran, and what it compared.</summary>
/// <param name="Rip">Address of the instruction.</param>
/// <param name="Left">First operand.</param>
/// <param name="Right">Second operand.</param>
/// <param name="Size">Bytes of each: 1, 2, 4 or 8.</param>
/// <param name="IsImmediate">The second operand stands in the instruction.</param>
public readonly record struct Comparison(ulong Rip, ulong Left, ulong Right, int Size, bool IsImmediate);

/// <summary>
/// Operands of comparisons that a vCPU runs (<see cref="Vcpu.CompareLog"/>): CMP, SUB and TEST, CMPXCHG, and single or first elements of SCAS and CMPS. From them a fuzzer learns which bytes of
/// its input are compared with what. The last instructions of a run with a limit, which run one by one, are not in it.
/// </summary>
public sealed class CompareLog
{
    readonly Comparison[] entries;

    /// <summary>Creates an empty log.</summary>
    /// <param name="capacity">Comparisons that it holds; later ones are dropped.</param>
    public CompareLog(int capacity = 1 << 16)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        entries = new Comparison[capacity];
    }

    /// <summary>The comparisons since <see cref="Clear"/>, in the order in which they ran.</summary>
    public ReadOnlySpan<Comparison> Entries => entries.AsSpan(0, Count);

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Some have been dropped.</summary>
    public bool IsFull => Count == entries.Length;

    /// <summary>The vCPU that has the log.</summary>
    internal Vcpu? Cpu { get; set; }

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    internal void Add(in Comparison comparison)
    {
        if (Count < entries.Length)
        {
            entries[Count++] = comparison;
        }
    }
}
