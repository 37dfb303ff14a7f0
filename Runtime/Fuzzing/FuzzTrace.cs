namespace FastVcpu.Fuzzing;

/// <summary>A place where the flow did not go on with the next instruction.</summary>
/// <param name="Instruction">Instructions retired when it did.</param>
/// <param name="From">The instruction.</param>
/// <param name="To">Where it went.</param>
public readonly record struct FuzzEdge(long Instruction, ulong From, ulong To);

/// <summary>The way that an input takes through a target, made small: loops are there once.</summary>
/// <param name="Edges">Each edge where it is taken first, in that order.</param>
/// <param name="Last">The last edges, all of them.</param>
/// <param name="Taken">How many edges were taken altogether.</param>
/// <param name="Callers">Return addresses of the calls that had not returned at the end, the innermost first.</param>
public sealed record FuzzTrace(IReadOnlyList<FuzzEdge> Edges, IReadOnlyList<FuzzEdge> Last, long Taken, IReadOnlyList<ulong> Callers)
{
    /// <summary>The most edges in <see cref="Last"/>.</summary>
    public const int LastCount = 16;
}
