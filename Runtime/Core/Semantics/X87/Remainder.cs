using System.Numerics;

namespace FastVcpu.Semantics.X87;

/// <summary>FPREM and FPREM1: the exact remainder, or a step of at least 32 bits towards it (SDM Vol. 1 8.3.6).</summary>
/// <param name="Value">The remainder, or the reduced dividend.</param>
/// <param name="Conditions">C2: incomplete. Otherwise the last bits of the quotient in C0, C3 and C1. Null: there is no quotient.</param>
readonly record struct Remainder(Float80 Value, int? Conditions)
{
    /// <summary>The remainder of a quotient rounded toward zero.</summary>
    public static Remainder Truncating(ref FpuContext c, Float80 a, Float80 b) => Of(ref c, a, b, toNearest: false);

    /// <summary>The IEEE remainder: the quotient is rounded to nearest.</summary>
    public static Remainder Nearest(ref FpuContext c, Float80 a, Float80 b) => Of(ref c, a, b, toNearest: true);

    static Remainder Of(ref FpuContext c, Float80 a, Float80 b, bool toNearest)
    {
        if (NanRules.Decide(ref c, a, b, out Float80 result))
        {
            return new(result, null);
        }
        if (a.IsInfinity || b.IsZero)
        {
            return new(c.Invalid(), null);
        }
        c.NoteDenormal(a, b);
        if (a.IsZero)
        {
            return new(a, 0);
        }
        Unpacked x = Unpacked.From(a);
        if (b.IsInfinity)
        {
            return new(Rounder.Register(ref c, 64, x.Negative, x.Exponent, x.Significand, 0), 0);
        }
        Unpacked y = Unpacked.From(b);
        int distance = x.Exponent - y.Exponent;
        return distance < 64 ? Complete(ref c, x, y, distance, toNearest) : Step(ref c, x, y, distance);
    }

    static Remainder Complete(ref FpuContext c, Unpacked x, Unpacked y, int distance, bool toNearest)
    {
        UInt128 dividend = x.Significand, divisor = y.Significand;
        int exponent = y.Exponent;
        if (distance >= 0)
        {
            dividend <<= distance;
        }
        else if (distance == -1)
        {
            divisor <<= 1;
            exponent--;
        }
        else
        {
            // Less than half of the divisor: its own remainder either way.
            return new(Rounder.Register(ref c, 64, x.Negative, x.Exponent, x.Significand, 0), 0);
        }
        (UInt128 quotient, UInt128 rest) = UInt128.DivRem(dividend, divisor);
        bool negative = x.Negative;
        if (toNearest && (rest << 1 > divisor || (rest << 1 == divisor && UInt128.IsOddInteger(quotient))))
        {
            rest = divisor - rest;
            quotient++;
            negative = !negative;
        }
        int bits = (int)quotient & 7;
        int conditions = (bits & 4) != 0 ? FpuStatusWord.C0 : 0;
        conditions |= (bits & 2) != 0 ? FpuStatusWord.C3 : 0;
        conditions |= (bits & 1) != 0 ? FpuStatusWord.C1 : 0;
        return new(Normalize(ref c, x.Negative, negative, exponent, (ulong)rest), conditions);
    }

    /// <summary>Takes 32 to 63 bits off the quotient, so that what is left is a multiple of 32 bits away.</summary>
    static Remainder Step(ref FpuContext c, Unpacked x, Unpacked y, int distance)
    {
        int bits = 32 | (distance & 31);
        ulong rest = (ulong)(((UInt128)x.Significand << bits) % y.Significand);
        return new(Normalize(ref c, x.Negative, x.Negative, y.Exponent + distance - bits, rest), FpuStatusWord.C2);
    }

    static Float80 Normalize(ref FpuContext c, bool signOfZero, bool negative, int exponent, ulong rest)
    {
        if (rest == 0)
        {
            return Float80.Zero(signOfZero);
        }
        int shift = BitOperations.LeadingZeroCount(rest);
        return Rounder.Register(ref c, 64, negative, exponent - shift, rest << shift, 0);
    }
}
