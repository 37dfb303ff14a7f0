namespace FastVcpu.Bench.Regression;

/// <summary>
/// Decides whether measured ratios say more than noise does: a one-sided t-test of their logarithms, so strict that all the questions of a comparison together give a false alarm in
/// one comparison of <see cref="FalseAlarms"/>.
/// </summary>
sealed class NoiseTest
{
    /// <summary>One false alarm in so many comparisons of a commit with itself.</summary>
    public const int FalseAlarms = 100;

    /// <summary>Less than this is not called slower, however certain it is.</summary>
    const double LeastPart = 0.01;

    const int FewestRounds = 3;

    readonly double quantile;
    readonly int rounds;

    /// <param name="rounds">Ratios in each sample.</param>
    /// <param name="questions">How many samples are looked at.</param>
    public NoiseTest(int rounds, int questions)
    {
        if (rounds < FewestRounds)
        {
            throw new ArgumentException($"--runs {rounds}: at least {FewestRounds} are needed to see the noise.");
        }
        this.rounds = rounds;
        quantile = StudentT.Quantile(1 - 1.0 / FalseAlarms / questions, rounds - 1);
    }

    /// <summary>How much slower the noise of this sample explains, as a logarithm.</summary>
    public double Threshold(IReadOnlyList<double> logarithms)
    {
        double mean = logarithms.Average();
        double variance = logarithms.Sum(value => (value - mean) * (value - mean)) / (rounds - 1);
        return Math.Max(LeastPart, quantile * Math.Sqrt(variance / rounds));
    }

    /// <summary>True when the mean of the logarithms of new by old lies below what noise explains.</summary>
    public bool IsSlower(IReadOnlyList<double> logarithms) => logarithms.Average() < -Threshold(logarithms);

    /// <summary>
    /// The part of comparisons of a commit with itself that would give an alarm, from ratios of the same commit against itself: they are drawn anew, with either sign,
    /// as often as a comparison needs them.
    /// </summary>
    /// <param name="same">For each guest, logarithms of ratios that can only be noise, as large as those of a comparison.</param>
    /// <param name="trials">Comparisons to be played.</param>
    public double AlarmRate(IReadOnlyList<IReadOnlyList<double>> same, int trials)
    {
        const int Seed = 1;
        Random random = new(Seed);
        int alarms = 0;
        double[] drawn = new double[rounds];
        for (int trial = 0; trial < trials; trial++)
        {
            double[] all = new double[rounds];
            bool isAlarm = false;
            foreach (IReadOnlyList<double> guest in same)
            {
                for (int i = 0; i < rounds; i++)
                {
                    double value = guest[random.Next(guest.Count)];
                    drawn[i] = random.Next(2) == 0 ? value : -value;
                    all[i] += drawn[i] / same.Count;
                }
                isAlarm |= IsSlower(drawn);
            }
            alarms += isAlarm || IsSlower(all) ? 1 : 0;
        }
        return (double)alarms / trials;
    }
}
