using FastVcpu.Semantics.X87;

namespace FastVcpu.Tests.X87;

/// <summary>The short way to sums and products gives what the long one does, to the last bit and flag.</summary>
public sealed class ShortcutTests
{
    const int Control = 0x37F, Cases = 300_000;

    [Fact]
    public void SumsDifferencesAndProductsAreThoseOfTheLongWay()
    {
        Random random = new(1);
        int taken = 0;
        for (int i = 0; i < Cases; i++)
        {
            Float80 a = Number(random, 0x4000), b = Number(random, a.Exponent);
            taken += Check(a, b, Shortcut.TryAdd(a, b, false, out Float80 sum, out int status), sum, status, (ref FpuContext c) => Addition.Add(ref c, a, b));
            taken += Check(a, b, Shortcut.TryAdd(a, b, true, out sum, out status), sum, status, (ref FpuContext c) => Addition.Subtract(ref c, a, b));
            taken += Check(a, b, Shortcut.TryMultiply(a, b, out sum, out status), sum, status, (ref FpuContext c) => Multiplication.Multiply(ref c, a, b));
        }
        Assert.True(taken > 2 * Cases, $"{taken} of {3 * Cases} went the short way");
    }

    [Theory]
    [InlineData(0x37F, true)]
    [InlineData(0x27F, false)]
    [InlineData(0x77F, false)]
    [InlineData(0x35F, false)]
    public void ItIsOpenForTheUsualControlWordOnly(int control, bool isOpen) => Assert.Equal(isOpen, Shortcut.IsOpen(control));

    static int Check(Float80 a, Float80 b, bool isTaken, Float80 result, int status, Operation longWay)
    {
        if (!isTaken)
        {
            return 0;
        }
        FpuContext c = new(Control);
        Float80 expected = longWay(ref c);
        int expectedStatus = c.Exceptions | (c.RoundedUp ? FpuStatusWord.C1 : 0);
        Assert.True((expected.Significand, expected.SignExponent, expectedStatus) == (result.Significand, result.SignExponent, status),
            $"{a.SignExponent:x4} {a.Significand:x16}, {b.SignExponent:x4} {b.Significand:x16}: {result.SignExponent:x4} {result.Significand:x16} {status:x}");
        return 1;
    }

    /// <summary>A number whose exponent is near another's, with long runs of ones and zeros.</summary>
    static Float80 Number(Random random, int exponent)
    {
        ulong significand = (ulong)random.NextInt64() * 2 + (ulong)random.Next(2);
        switch (random.Next(4))
        {
            case 0:
                significand = ulong.MaxValue << random.Next(64);
                break;
            case 1:
                significand = ulong.MaxValue >> random.Next(64) ^ 1UL << random.Next(64);
                break;
            case 2:
                significand &= ulong.MaxValue << random.Next(64);
                break;
        }
        int near = random.Next(8) == 0 ? random.Next(0x8000) : exponent + random.Next(-70, 70);
        return new Float80(significand | 1UL << 63, (random.Next(2) << 15) + (near & 0x7FFF));
    }

    delegate Float80 Operation(ref FpuContext c);
}
