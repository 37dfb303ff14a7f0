namespace FastVcpu.Bench.Running;

/// <summary>Several measurements of one thing.</summary>
sealed class Sample
{
    readonly List<double> values = [];

    public void Add(double value) => values.Add(value);

    public int Count => values.Count;

    public double Least => values.Min();

    public double Most => values.Max();

    public double Median => Middle(values);

    /// <summary>
    /// The standard error of the median, from the median absolute deviation, so that single disturbed runs do not count: 1.4826 makes a standard
    /// deviation of it, 1.2533 is how much less certain a median is than a mean.
    /// </summary>
    public double Error => 1.4826 * 1.2533 * Middle(values.Select(v => Math.Abs(v - Median))) / Math.Sqrt(values.Count);

    static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The geometric mean.</summary>
    public static double Geometric(IEnumerable<double> values) => Math.Exp(values.Average(value => Math.Log(value)));
}
