using FastVcpu.Bench.Regression;
using FastVcpu.Bench.Running;

namespace FastVcpu.Tests;

public sealed class StatisticsTests
{
    const int Rounds = 10, Guests = 12;

    [Theory]
    [InlineData(2.0, new[] { 3.0, 1.0, 2.0 })]
    [InlineData(2.5, new[] { 4.0, 1.0, 3.0, 2.0 })]
    [InlineData(7.0, new[] { 7.0 })]
    public void TheMedianIsTheMiddleOrTheMeanOfTheTwoThere(double expected, double[] values) => Assert.Equal(expected, Of(values).Median);

    [Fact]
    public void OneDisturbedRunDoesNotMoveTheMedian() => Assert.Equal(10, Of(10, 10, 10, 10, 1000).Median);

    [Fact]
    public void TheGeometricMeanOfAThousandAndAThousandthIsOne() => Assert.Equal(1, Sample.Geometric([1000, 0.001]), 1e-12);

    // Tables of Student's distribution.
    [Theory]
    [InlineData(0.975, 1, 12.706)]
    [InlineData(0.975, 2, 4.303)]
    [InlineData(0.99, 4, 3.747)]
    [InlineData(0.975, 10, 2.228)]
    [InlineData(0.9995, 9, 4.781)]
    [InlineData(0.95, 29, 1.699)]
    public void QuantilesAreThoseOfTheTables(double part, int freedom, double expected) => Assert.Equal(expected, StudentT.Quantile(part, freedom), 5e-4);

    [Fact]
    public void AClearLossIsSeen() => Assert.True(Test().IsSlower(Noise(new Random(1), Math.Log(0.9), 0.01)));

    [Fact]
    public void AGainIsNoAlarm() => Assert.False(Test().IsSlower(Noise(new Random(1), Math.Log(1.2), 0.01)));

    [Fact]
    public void LessThanAPercentIsNotCalledSlowerHoweverCertainItIs() => Assert.False(Test().IsSlower(Noise(new Random(1), Math.Log(0.995), 1e-6)));

    [Fact]
    public void MoreNoiseAllowsMore() => Assert.True(Test().Threshold(Noise(new Random(1), 0, 0.05)) > 3 * Test().Threshold(Noise(new Random(1), 0, 0.01)));

    [Fact]
    public void ComparisonsOfACommitWithItselfGiveAnAlarmOnceInAHundred()
    {
        Random random = new(7);
        IReadOnlyList<IReadOnlyList<double>> same = [.. Enumerable.Range(0, Guests).Select(_ => Enumerable.Range(0, 200).SelectMany(_ => Noise(random, 0, 0.03)).ToList())];
        Assert.InRange(Test().AlarmRate(same, 4000), 0.001, 0.02);
    }

    [Fact]
    public void TooFewRoundsAreRefused() => Assert.Throws<ArgumentException>(() => new NoiseTest(2, 1));

    static NoiseTest Test() => new(Rounds, Guests + 1);

    static Sample Of(params double[] values)
    {
        Sample sample = new();
        Array.ForEach(values, sample.Add);
        return sample;
    }

    static double[] Noise(Random random, double mean, double deviation) => [.. Enumerable.Range(0, Rounds)
        .Select(_ => mean + deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
}
