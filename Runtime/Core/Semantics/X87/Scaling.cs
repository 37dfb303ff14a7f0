namespace FastVcpu.Semantics.X87;

/// <summary>Operations on the exponent: FSCALE, FXTRACT, and FRNDINT.</summary>
static class Scaling
{
    /// <summary>Beyond this every result overflows or underflows.</summary>
    const long GreatestScale = 0x10000;

    /// <summary>a × 2^trunc(b).</summary>
    public static Float80 Scale(ref FpuContext c, Float80 a, Float80 b)
    {
        if (NanRules.Decide(ref c, a, b, out Float80 result))
        {
            return result;
        }
        if (b.IsInfinity && (b.IsNegative ? a.IsInfinity : a.IsZero))
        {
            return c.Invalid();
        }
        c.NoteDenormal(a, b);
        if (b.IsInfinity)
        {
            return b.IsNegative ? Float80.Zero(a.IsNegative) : Float80.Infinity(a.IsNegative);
        }
        if (a.IsInfinity || a.IsZero)
        {
            return a;
        }
        Unpacked x = Unpacked.From(a), y = Unpacked.From(b);
        (ulong magnitude, _) = IntegerConversion.Split(y);
        long scale = (long)Math.Min(magnitude, GreatestScale);
        return Rounder.Register(ref c, 64, x.Negative, x.Exponent + (int)(y.Negative ? -scale : scale), x.Significand, 0);
    }

    /// <summary>The unbiased exponent as a number, and the significand with the exponent of one.</summary>
    public static (Float80 Exponent, Float80 Significand) Extract(ref FpuContext c, Float80 a)
    {
        if (NanRules.Decide(ref c, a, out Float80 result))
        {
            return (result, result);
        }
        if (a.IsInfinity)
        {
            return (Float80.Infinity(false), a);
        }
        if (a.IsZero)
        {
            return (c.DividedByZero(true), a);
        }
        c.NoteDenormal(a);
        Unpacked x = Unpacked.From(a);
        return (IntegerConversion.FromInteger(x.Exponent - Float80.Bias), Float80.From(x.Negative, Float80.Bias, x.Significand));
    }

    /// <summary>The integer that the rounding mode chooses.</summary>
    public static Float80 RoundToInteger(ref FpuContext c, Float80 a)
    {
        if (NanRules.Decide(ref c, a, out Float80 result))
        {
            return result;
        }
        if (a.IsInfinity || a.IsZero)
        {
            return a;
        }
        c.NoteDenormal(a);
        if (a.Exponent >= Float80.Bias + 63)
        {
            return a;
        }
        ulong magnitude = IntegerConversion.Round(ref c, c.Rounding, Unpacked.From(a));
        return magnitude == 0 ? Float80.Zero(a.IsNegative) : IntegerConversion.FromMagnitude(a.IsNegative, magnitude);
    }
}
