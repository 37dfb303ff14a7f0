namespace FastVcpu.Semantics.X87;

/// <summary>Power series on fixed-point numbers of 128 bits.</summary>
/// <remarks>Coefficients and sums are in units of 2^-127, so that they may reach two; arguments, below one, in units of 2^-128.</remarks>
sealed class Series
{
    const int Terms = 32;

    readonly UInt128[] _coefficients;

    Series(UInt128[] coefficients) => _coefficients = coefficients;

    /// <summary>sin(√u)/√u, alternating.</summary>
    public static Series Sine { get; } = new(Divided(n => n == 0 ? 1 : (ulong)(2 * n * (2 * n + 1))));

    /// <summary>cos(√u), alternating.</summary>
    public static Series Cosine { get; } = new(Divided(n => n == 0 ? 1 : (ulong)(2 * n * (2 * n - 1))));

    /// <summary>(e^u − 1)/u.</summary>
    public static Series Exponential { get; } = new(Divided(n => (ulong)(n + 1)));

    /// <summary>atanh(√u)/√u; alternating atan(√u)/√u.</summary>
    public static Series ArcTangent { get; } = new(Enumerable.Range(0, Terms).Select(n => Wide.One.Significand / (ulong)(2 * n + 1)).ToArray());

    /// <summary>The sum for a number below one.</summary>
    /// <param name="u">The argument.</param>
    /// <param name="alternates">Every second term is subtracted: the series at −u.</param>
    /// <returns>A number of the exponent 0 or below.</returns>
    public Wide Sum(UInt128 u, bool alternates)
    {
        UInt128 sum = 0;
        for (int i = _coefficients.Length - 1; i >= 0; i--)
        {
            UInt128 rest = Wide.MultiplyHigh(u, sum);
            sum = alternates ? _coefficients[i] - rest : _coefficients[i] + rest;
        }
        return Wide.From(false, sum, -127);
    }

    /// <summary>Coefficients each of which is the one before divided by an integer.</summary>
    static UInt128[] Divided(Func<int, ulong> divisor)
    {
        UInt128[] coefficients = new UInt128[Terms];
        UInt128 last = Wide.One.Significand;
        for (int n = 0; n < Terms; n++)
        {
            last /= divisor(n);
            coefficients[n] = last;
        }
        return coefficients;
    }
}
