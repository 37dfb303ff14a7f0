using System.Numerics;
using FastVcpu.Semantics.X87;

namespace FastVcpu.Tests.X87;

/// <summary>Arithmetic on random numbers in every rounding and precision mode against exact fractions.</summary>
public sealed class ArithmeticTests
{
    const int Count = 20_000;
    const int AllMasked = 0x3F;
    static readonly int[] Precisions = [24, 53, 64];

    delegate Float80 Operation(ref FpuContext c, Float80 a, Float80 b);

    [Fact]
    public void SumsAreExact() => Check(Addition.Add, (a, b, p, r) => Sum(a, b, 1, p, r));

    [Fact]
    public void DifferencesAreExact() => Check(Addition.Subtract, (a, b, p, r) => Sum(a, b, -1, p, r));

    [Fact]
    public void ProductsAreExact() => Check(Multiplication.Multiply, (a, b, p, r) =>
    {
        (BigInteger x, int i) = ExactRounding.Integer(a);
        (BigInteger y, int j) = ExactRounding.Integer(b);
        return ExactRounding.Of(x * y, 1, i + j, p, r);
    });

    [Fact]
    public void QuotientsAreExact() => Check(Multiplication.Divide, (a, b, p, r) =>
    {
        (BigInteger x, int i) = ExactRounding.Integer(a);
        (BigInteger y, int j) = ExactRounding.Integer(b);
        return ExactRounding.Of(x, y, i - j, p, r);
    });

    [Fact]
    public void SquareRootsAreExact() => Check((ref FpuContext c, Float80 a, Float80 _) => Multiplication.SquareRoot(ref c, a.WithSign(false)), (a, _, p, r) =>
    {
        (BigInteger x, int i) = ExactRounding.Integer(a.WithSign(false));
        return (i & 1) == 0 ? ExactRounding.RootOf(x, i, p, r) : ExactRounding.RootOf(x << 1, i - 1, p, r);
    });

    [Fact]
    public void RemaindersAreExact()
    {
        Random random = new(5);
        for (int i = 0; i < Count; i++)
        {
            Float80 a = Number(random, 16383), b = Number(random, Math.Max(1, a.Exponent - random.Next(63)));
            FpuContext c = new(AllMasked);
            (BigInteger x, int s) = ExactRounding.Integer(a);
            (BigInteger y, int t) = ExactRounding.Integer(b);
            int scale = Math.Min(s, t);
            BigInteger expected = BigInteger.Remainder(x << (s - scale), y << (t - scale));
            (Float80 value, int? conditions) = Remainder.Truncating(ref c, a, b);
            (BigInteger z, int u) = ExactRounding.Integer(value);
            Assert.Equal(0, conditions & FpuStatusWord.C2);
            Assert.Equal(expected << Math.Max(0, scale - u), z << Math.Max(0, u - scale));
        }
    }

    static ExactRounding? Sum(Float80 a, Float80 b, int sign, int precision, Rounding rounding)
    {
        (BigInteger x, int i) = ExactRounding.Integer(a);
        (BigInteger y, int j) = ExactRounding.Integer(b);
        int scale = Math.Min(i, j);
        BigInteger sum = (x << (i - scale)) + sign * (y << (j - scale));
        return sum.IsZero ? null : ExactRounding.Of(sum, 1, scale, precision, rounding);
    }

    static void Check(Operation operation, Func<Float80, Float80, int, Rounding, ExactRounding?> exact)
    {
        Random random = new(1);
        for (int i = 0; i < Count; i++)
        {
            Float80 a = Number(random, random.Next(1, Float80.MaxExponent)), b = Number(random, random.Next(1, Float80.MaxExponent));
            if (random.Next(2) == 0)
            {
                // Near each other, where sums cancel and quotients and products stay in range.
                b = Float80.From(b.IsNegative, Math.Clamp(a.Exponent + random.Next(-70, 71), 1, Float80.MaxExponent), b.Significand);
                a = random.Next(4) == 0 ? Float80.From(a.IsNegative, Float80.Bias - (a.Exponent & 63), a.Significand) : a;
            }
            int field = random.Next(3);
            Rounding rounding = (Rounding)random.Next(4);
            int control = AllMasked | (field == 0 ? 0 : field + 1) << FpuControlWord.PrecisionShift | (int)rounding << FpuControlWord.RoundingShift;
            if (exact(a, b, Precisions[field], rounding) is not { } expected)
            {
                continue;
            }
            FpuContext c = new(control);
            Float80 result = operation(ref c, a, b);
            ExactRounding actual = new(result, c.Exceptions, c.RoundedUp);
            Assert.True(expected == actual, $"{Text(a)} {Text(b)} control {control:x}: {Text(actual.Value)} {actual}, not {Text(expected.Value)} {expected}");
        }
    }

    /// <summary>A normal number; many have few bits, or bits at both ends.</summary>
    static Float80 Number(Random random, int exponent)
    {
        ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        ulong significand = random.Next(4) switch
        {
            0 => bits << random.Next(64),
            1 => bits >> random.Next(64) | 1,
            2 => ~(bits >> random.Next(64)),
            _ => bits,
        };
        return Float80.From(random.Next(2) == 0, exponent, significand | Float80.IntegerBit);
    }

    static string Text(Float80 value) => $"{value.SignExponent:x4}:{value.Significand:x16}";
}
