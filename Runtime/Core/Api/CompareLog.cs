namespace FastVcpu;

/// <summary>A list of the comparisons that a vCPU runs.</summary>
public sealed class CompareLog : ComparisonSink
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

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    /// <inheritdoc/>
    public override void Add(in Comparison comparison)
    {
        if (Count < entries.Length)
        {
            entries[Count++] = comparison;
        }
    }
}
