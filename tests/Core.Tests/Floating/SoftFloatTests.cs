using System.Numerics;
using FastVcpu.Semantics;

namespace FastVcpu.Tests.Floating;

/// <summary>Arithmetic of vector floating point in every rounding mode against exact fractions, and against the host's.</summary>
public sealed class SoftFloatTests
{
    const int Count = 1500;
    const uint AllMasked = FloatContext.AllExceptions << FloatContext.MaskShift;
    const uint FromOperands = FloatContext.Denormal;

    static readonly RoundingMode[] Modes = Enum.GetValues<RoundingMode>();

    delegate ulong Operation(ref FloatContext c, ulong a, ulong b, ulong d);

    delegate ExactFloat? Oracle(ulong a, ulong b, ulong d, RoundingMode mode);

    [Fact]
    public void SumsAreExact()
    {
        Check<float>(1, SoftFloatOperation<FloatAdd>.Of<float>, (a, b, _, mode) => Sum<float>(Term<float>(a), Term<float>(b), mode));
        Check<double>(2, SoftFloatOperation<FloatAdd>.Of<double>, (a, b, _, mode) => Sum<double>(Term<double>(a), Term<double>(b), mode));
        Check<double>(3, SoftFloatOperation<FloatSubtract>.Of<double>, (a, b, _, mode) => Sum<double>(Term<double>(a), Term<double>(b ^ FloatFormat<double>.SignBit), mode));
    }

    [Fact]
    public void ProductsAreExact()
    {
        Check<float>(4, SoftFloatOperation<FloatMultiply>.Of<float>, (a, b, _, mode) => Round<float>(Product<float>(a, b), mode));
        Check<double>(5, SoftFloatOperation<FloatMultiply>.Of<double>, (a, b, _, mode) => Round<double>(Product<double>(a, b), mode));
    }

    [Fact]
    public void FusedProductsAreExact()
    {
        Check<float>(6, SoftFloatOperation<Fused<Plus, Plus>>.Of<float>, (a, b, d, mode) => Sum<float>(Product<float>(a, b), Term<float>(d), mode));
        Check<double>(7, SoftFloatOperation<Fused<Plus, Plus>>.Of<double>, (a, b, d, mode) => Sum<double>(Product<double>(a, b), Term<double>(d), mode));
        Check<double>(8, SoftFloatOperation<Fused<Minus, Minus>>.Of<double>, (a, b, d, mode) =>
            Sum<double>(Product<double>(a ^ FloatFormat<double>.SignBit, b), Term<double>(d ^ FloatFormat<double>.SignBit), mode));
    }

    [Fact]
    public void QuotientsAreExact()
    {
        Check<float>(9, SoftFloatOperation<FloatDivide>.Of<float>, (a, b, _, mode) => Quotient<float>(a, b, mode));
        Check<double>(10, SoftFloatOperation<FloatDivide>.Of<double>, (a, b, _, mode) => Quotient<double>(a, b, mode));
    }

    [Fact]
    public void SquareRootsAreExact()
    {
        Check<float>(11, SoftFloatOperation<FloatSquareRoot>.Of<float>, (a, _, _, mode) => Root<float>(a, mode));
        Check<double>(12, SoftFloatOperation<FloatSquareRoot>.Of<double>, (a, _, _, mode) => Root<double>(a, mode));
    }

    [Fact]
    public void ConversionsAreExact()
    {
        Check<double>(13, (ref FloatContext c, ulong a, ulong _, ulong _) => SoftFloat.Convert<double, float>(ref c, a), (a, _, _, mode) => Round<float>(Term<double>(a), mode));
        Check<float>(14, (ref FloatContext c, ulong a, ulong _, ulong _) => SoftFloat.Convert<float, Half>(ref c, a), (a, _, _, mode) => Round<Half>(Term<float>(a), mode));
        Check<float>(15, (ref FloatContext c, ulong a, ulong _, ulong _) => SoftFloat.Convert<float, double>(ref c, a), (a, _, _, mode) => Round<double>(Term<float>(a), mode));
    }

    /// <summary>Specials with each other: what the host computes, but for the sign and payload of NaNs, which IEEE 754 leaves open.</summary>
    [Fact]
    public void SpecialOperandsGiveWhatTheHostGives()
    {
        ulong[] specials = [.. Specials<double>()];
        foreach (ulong a in specials)
        {
            foreach (ulong b in specials)
            {
                double x = BitConverter.UInt64BitsToDouble(a), y = BitConverter.UInt64BitsToDouble(b);
                SameAsHost(SoftFloat.Add<double>, a, b, x + y);
                SameAsHost(SoftFloat.Subtract<double>, a, b, x - y);
                SameAsHost(SoftFloat.Multiply<double>, a, b, x * y);
                SameAsHost(SoftFloat.Divide<double>, a, b, x / y);
                foreach (ulong d in specials)
                {
                    FloatContext c = new(AllMasked);
                    ulong actual = SoftFloat.FusedMultiplyAdd<double>(ref c, a, b, d, false, false);
                    Same(Math.FusedMultiplyAdd(x, y, BitConverter.UInt64BitsToDouble(d)), actual);
                }
            }
        }
    }

    /// <summary>Overflow and underflow that are not masked: the result that would be delivered has an unbounded exponent, and precision is about that one.</summary>
    [Theory]
    [InlineData(0x00800000u, 0x3F000000u, FloatContext.Underflow, FloatContext.Underflow)]
    [InlineData(0x00800001u, 0x3F000000u, FloatContext.Underflow, FloatContext.Underflow)]
    [InlineData(0x00800001u, 0x3F000001u, FloatContext.Underflow, FloatContext.Underflow | FloatContext.Precision)]
    [InlineData(0x00800000u, 0x20000000u, FloatContext.Underflow, FloatContext.Underflow)]
    [InlineData(0x7F000000u, 0x40800000u, FloatContext.Overflow, FloatContext.Overflow)]
    [InlineData(0x7F7FFFFFu, 0x40800001u, FloatContext.Overflow, FloatContext.Overflow | FloatContext.Precision)]
    [InlineData(0x00800000u, 0x3F000000u, 0u, 0u)]
    [InlineData(0x00800000u, 0x20000000u, 0u, FloatContext.Underflow | FloatContext.Precision)]
    [InlineData(0x7F000000u, 0x40800000u, 0u, FloatContext.Overflow | FloatContext.Precision)]
    public void PrecisionBesideUnmaskedExceptions(uint a, uint b, uint unmasked, uint expected)
    {
        FloatContext c = new(AllMasked & ~(unmasked << FloatContext.MaskShift));
        SoftFloat.Multiply<float>(ref c, a, b);
        Assert.Equal(expected, c.Flags);
    }

    delegate ulong Binary(ref FloatContext c, ulong a, ulong b);

    static void SameAsHost(Binary operation, ulong a, ulong b, double expected)
    {
        FloatContext c = new(AllMasked);
        Same(expected, operation(ref c, a, b));
    }

    static void Same(double expected, ulong actual)
    {
        bool isNan = double.IsNaN(expected);
        Assert.Equal(isNan, double.IsNaN(BitConverter.UInt64BitsToDouble(actual)));
        Assert.True(isNan || BitConverter.DoubleToUInt64Bits(expected) == actual, $"{expected} is not {actual:x}");
    }

    static class SoftFloatOperation<TOp> where TOp : struct, IFloatOperation
    {
        public static ulong Of<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => default(TOp).Exact<T>(ref c, a, b, d);
    }

    /// <summary>Random finite operands; the oracle has no answer where the result is an exact zero or infinite.</summary>
    static void Check<T>(int seed, Operation operation, Oracle oracle) where T : unmanaged
    {
        Random random = new(seed);
        for (int i = 0; i < Count; i++)
        {
            ulong a = Number<T>(random), b = Number<T>(random), d = Number<T>(random);
            foreach (RoundingMode mode in Modes)
            {
                if (oracle(a, b, d, mode) is { } expected)
                {
                    FloatContext c = new(AllMasked | (uint)mode << FloatContext.RoundingShift);
                    ExactFloat actual = new(operation(ref c, a, b, d), c.Flags & ~FromOperands);
                    Assert.True(expected == actual, $"{a:x} {b:x} {d:x} {mode}: {actual} is not {expected}");
                }
            }
        }
    }

    static ulong Number<T>(Random random) where T : unmanaged
    {
        ulong fraction = (ulong)random.NextInt64() & FloatFormat<T>.FractionMask;
        // Long runs of equal bits, small numbers, all of them.
        fraction = random.Next(4) switch { 0 => FloatFormat<T>.FractionMask >> random.Next(8) << random.Next(8) & FloatFormat<T>.FractionMask, 1 => fraction & 7, _ => fraction };
        int middle = FloatFormat<T>.Bias, near = middle + random.Next(-4, 5), far = random.Next(FloatFormat<T>.MaxExponent);
        int exponent = random.Next(4) switch { 0 => far, 1 => random.Next(3), _ => near };
        return (random.Next(2) == 0 ? 0 : FloatFormat<T>.SignBit) | (ulong)exponent << (FloatFormat<T>.Precision - 1) | fraction;
    }

    static IEnumerable<ulong> Specials<T>() where T : unmanaged
    {
        ulong one = (ulong)FloatFormat<T>.Bias << (FloatFormat<T>.Precision - 1);
        ulong[] magnitudes =
        [
            0, 1, FloatFormat<T>.FractionMask, FloatFormat<T>.MinNormal, one, one + 1, one - 1, FloatFormat<T>.Infinity - 1, FloatFormat<T>.Infinity,
            FloatFormat<T>.Infinity | FloatFormat<T>.QuietBit, FloatFormat<T>.Infinity | 1,
        ];
        return magnitudes.SelectMany(m => new[] { m, m | FloatFormat<T>.SignBit });
    }

    static (BigInteger, int) Term<T>(ulong bits) where T : unmanaged => ExactFloat.Integer<T>(bits);

    static (BigInteger, int) Product<T>(ulong a, ulong b) where T : unmanaged
    {
        ((BigInteger x, int i), (BigInteger y, int j)) = (Term<T>(a), Term<T>(b));
        return (x * y, i + j);
    }

    static ExactFloat? Sum<T>((BigInteger Value, int Scale) a, (BigInteger Value, int Scale) b, RoundingMode mode) where T : unmanaged
    {
        int scale = Math.Min(a.Scale, b.Scale);
        return Round<T>(((a.Value << (a.Scale - scale)) + (b.Value << (b.Scale - scale)), scale), mode);
    }

    static ExactFloat? Round<T>((BigInteger Value, int Scale) exact, RoundingMode mode) where T : unmanaged =>
        exact.Value.IsZero ? null : ExactFloat.Of<T>(exact.Value, 1, exact.Scale, mode);

    static ExactFloat? Quotient<T>(ulong a, ulong b, RoundingMode mode) where T : unmanaged
    {
        ((BigInteger x, int i), (BigInteger y, int j)) = (Term<T>(a), Term<T>(b));
        return x.IsZero || y.IsZero ? null : ExactFloat.Of<T>(x, y, i - j, mode);
    }

    static ExactFloat? Root<T>(ulong a, RoundingMode mode) where T : unmanaged
    {
        (BigInteger x, int i) = Term<T>(a);
        return x.Sign <= 0 ? null : (i & 1) == 0 ? ExactFloat.RootOf<T>(x, i, mode) : ExactFloat.RootOf<T>(x << 1, i - 1, mode);
    }
}
