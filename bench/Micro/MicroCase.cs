namespace FastVcpu.Bench.Micro;

/// <summary>One mechanism, measured by <see cref="Operations"/> of it in a row.</summary>
/// <param name="name">A short name.</param>
/// <param name="what">What one operation is.</param>
abstract class MicroCase(string name, string what) : IDisposable
{
    /// <summary>Operations of a run.</summary>
    public const int Operations = 1 << 14;

    public string Name => name;

    public string What => what;

    /// <summary>Does the operations.</summary>
    /// <returns>Guest instructions retired; 0 when no guest ran.</returns>
    public abstract long Run();

    public abstract void Dispose();

    public override string ToString() => name;
}
