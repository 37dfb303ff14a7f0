namespace FastVcpu.Semantics.X87;

/// <summary>F2XM1. Beyond ±1, where it is not defined, the operand is the result, as on AMD's processors.</summary>
readonly struct PowerMinusOne : IUnaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a)
    {
        if (NanRules.Decide(ref c, a, out Float80 result))
        {
            return result;
        }
        if (a.IsInfinity)
        {
            return a.IsNegative ? Float80.One.WithSign(true) : a;
        }
        if (a.IsZero)
        {
            return a;
        }
        c.NoteDenormal(a);
        c.Exceptions |= FpuStatusWord.Precision;
        if (a.Exponent >= Float80.Bias)
        {
            bool isMinusOne = a.IsNegative && a.Exponent == Float80.Bias && a.Significand == Float80.IntegerBit;
            return isMinusOne ? Float80.From(true, Float80.Bias - 1, Float80.IntegerBit) : a;
        }
        return Logarithm.PowerMinusOne(Wide.From(Unpacked.From(a))).Round(ref c);
    }
}

/// <summary>FYL2X: ST(1) × log2 ST(0).</summary>
readonly struct MultipliedLog2 : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b)
    {
        if (NanRules.Decide(ref c, a, b, out Float80 result))
        {
            return result;
        }
        bool isOne = b.Exponent == Float80.Bias && b.Significand == Float80.IntegerBit;
        bool isBelowOne = b.Exponent < Float80.Bias;
        bool negative = a.IsNegative != isBelowOne;
        if ((b.IsNegative && !b.IsZero) || (a.IsZero && (b.IsZero || b.IsInfinity)) || (a.IsInfinity && isOne))
        {
            return c.Invalid();
        }
        if (b.IsZero && !a.IsInfinity)
        {
            return c.DividedByZero(negative);
        }
        c.NoteDenormal(a, b);
        if (a.IsInfinity || b.IsInfinity)
        {
            return Float80.Infinity(negative);
        }
        if (a.IsZero || isOne)
        {
            return Float80.Zero(isOne ? a.IsNegative : negative);
        }
        // Reported even for the exact logarithms of powers of two.
        c.Exceptions |= FpuStatusWord.Precision;
        Unpacked x = Unpacked.From(b);
        Wide product = Wide.From(Unpacked.From(a)) * Logarithm.Log2(Wide.From(x));
        return product.Round(ref c, isExact: x.Significand == Float80.IntegerBit);
    }
}

/// <summary>FYL2XP1: ST(1) × log2 (ST(0) + 1). Where there is no logarithm, ST(0) is the result, as on AMD's processors.</summary>
readonly struct MultipliedLog2OfOnePlus : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b)
    {
        if (NanRules.Decide(ref c, a, b, out Float80 result))
        {
            return result;
        }
        bool negative = a.IsNegative != b.IsNegative;
        if ((a.IsInfinity && b.IsZero) || (b.IsInfinity && (a.IsZero || b.IsNegative)))
        {
            return c.Invalid();
        }
        c.NoteDenormal(a, b);
        if (a.IsInfinity || b.IsInfinity)
        {
            return Float80.Infinity(negative);
        }
        if (a.IsZero || b.IsZero)
        {
            return Float80.Zero(negative);
        }
        if (b.IsNegative && b.Exponent >= Float80.Bias)
        {
            c.Exceptions |= FpuStatusWord.Precision;
            return b;
        }
        return (Wide.From(Unpacked.From(a)) * Logarithm.Log2OfOnePlus(Wide.From(Unpacked.From(b)))).Round(ref c);
    }
}
