using System.Numerics;

namespace FastVcpu.Fuzzing;

/// <summary>What inputs have reached so far: edges, and how often – once, twice, four times … –, so that an input that reaches more is known.</summary>
public sealed class SeenCoverage
{
    byte[] seen = [];

    /// <summary>Edges that have been seen, each as many times as there are magnitudes of its count.</summary>
    public int Count { get; private set; }

    /// <summary>Adds what an input has reached.</summary>
    /// <param name="coverage">The map of its run.</param>
    /// <returns>True: something of it is new.</returns>
    public bool Add(CoverageMap coverage)
    {
        ArgumentNullException.ThrowIfNull(coverage);
        ReadOnlySpan<byte> edges = coverage.Edges;
        if (seen.Length < edges.Length)
        {
            Array.Resize(ref seen, edges.Length);
        }
        int before = Count, at = 0;
        for (int next; (next = edges[at..].IndexOfAnyExcept((byte)0)) >= 0; at++)
        {
            at += next;
            byte magnitude = (byte)(1 << BitOperations.Log2(edges[at]));
            if ((seen[at] & magnitude) == 0)
            {
                seen[at] |= magnitude;
                Count++;
            }
        }
        return Count > before;
    }
}
