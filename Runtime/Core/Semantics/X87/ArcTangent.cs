namespace FastVcpu.Semantics.X87;

/// <summary>FPATAN.</summary>
readonly struct ArcTangent : IBinaryOperation
{
    static Wide Pi => new(false, 1, new UInt128(0xC90F_DAA2_2168_C234, 0xC4C6_628B_80DC_1CD1));
    static Wide HalfPi => Pi with { Exponent = 0 };
    static Wide QuarterPi => Pi with { Exponent = -1 };

    /// <summary>The angle of the point (x = <paramref name="b"/>, y = <paramref name="a"/>), from −π to π.</summary>
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b)
    {
        if (NanRules.Decide(ref c, a, b, out Float80 result))
        {
            return result;
        }
        c.NoteDenormal(a, b);
        if (a.IsZero || (b.IsInfinity && !a.IsInfinity))
        {
            return b.IsNegative ? (Pi with { Negative = a.IsNegative }).Round(ref c) : Float80.Zero(a.IsNegative);
        }
        Wide angle = FirstQuadrant(a, b);
        angle = b.IsNegative ? Pi - angle : angle;
        return (angle with { Negative = a.IsNegative }).Round(ref c);
    }

    /// <summary>The angle of the magnitudes.</summary>
    static Wide FirstQuadrant(Float80 a, Float80 b)
    {
        if (a.IsInfinity)
        {
            return b.IsInfinity ? QuarterPi : HalfPi;
        }
        if (b.IsZero)
        {
            return HalfPi;
        }
        Wide y = Wide.From(Unpacked.From(a)) with { Negative = false }, x = Wide.From(Unpacked.From(b)) with { Negative = false };
        bool isSteep = y.Exponent > x.Exponent || (y.Exponent == x.Exponent && y.Significand > x.Significand);
        return isSteep ? HalfPi - OfSlope(x / y) : OfSlope(y / x);
    }

    /// <summary>The angle of a slope between zero and one: that of the nearest eighth, and the small one between the two.</summary>
    static Wide OfSlope(Wide slope)
    {
        int eighths = slope.Exponent < -4 ? 0 : (int)(slope.Significand >> (123 - slope.Exponent)) + 1 >> 1;
        if (eighths == 0)
        {
            return OfSmallSlope(slope);
        }
        Wide nearest = Wide.From(false, (UInt128)eighths, -3);
        return OfEighths(eighths) + OfSmallSlope((slope - nearest) / (Wide.One + slope * nearest));
    }

    static Wide OfSmallSlope(Wide slope)
    {
        UInt128 square = (slope * slope).ToFraction();
        return square == 0 && !slope.IsZero ? slope.Below() : slope * Series.ArcTangent.Sum(square, alternates: true);
    }

    /// <summary>The angle of a multiple of 1/8.</summary>
    static Wide OfEighths(int eighths) => eighths switch
    {
        1 => new(false, -4, new UInt128(0xFEAD_D4D5_617B_6E32, 0xC897_989F_3E88_8EF7)),
        2 => new(false, -3, new UInt128(0xFADB_AFC9_6406_EB15, 0x6DC7_9EF5_F7A2_17E5)),
        3 => new(false, -2, new UInt128(0xB7B0_CA0F_26F7_8473, 0x8AA3_2122_DCFE_4483)),
        4 => new(false, -2, new UInt128(0xED63_382B_0DDA_7B45, 0x6FE4_45EC_BC3A_8D03)),
        5 => new(false, -1, new UInt128(0x8F00_5D5E_F7F5_9F9B, 0x5C83_5E16_65C4_3747)),
        6 => new(false, -1, new UInt128(0xA4BC_7D19_34F7_0924, 0x19A8_7F2A_457D_AC9E)),
        7 => new(false, -1, new UInt128(0xB805_3E2B_C231_9E73, 0xCB2D_A552_10A4_443D)),
        _ => QuarterPi,
    };
}
