using System.Numerics;

namespace FastVcpu.Semantics.X87;

/// <summary>Product, quotient and square root.</summary>
static class Multiplication
{
    public static Float80 Multiply(ref FpuContext c, Float80 a, Float80 b)
    {
        bool negative = a.IsNegative != b.IsNegative;
        if (!(a.IsNormal && b.IsNormal) || c.HasDenormalSource)
        {
            if (NanRules.Decide(ref c, a, b, out Float80 result))
            {
                return result;
            }
            if ((a.IsInfinity && b.IsZero) || (a.IsZero && b.IsInfinity))
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
        }
        Unpacked x = Unpacked.From(a), y = Unpacked.From(b);
        int exponent = x.Exponent + y.Exponent - Float80.Bias + 1;
        ulong high = Math.BigMul(x.Significand, y.Significand, out ulong low);
        if ((long)high >= 0)
        {
            high = high << 1 | low >> 63;
            low <<= 1;
            exponent--;
        }
        return Rounder.Register(ref c, c.Precision, negative, exponent, high, low);
    }

    public static Float80 Divide(ref FpuContext c, Float80 a, Float80 b)
    {
        bool negative = a.IsNegative != b.IsNegative;
        if (!(a.IsNormal && b.IsNormal) || c.HasDenormalSource)
        {
            if (NanRules.Decide(ref c, a, b, out Float80 result))
            {
                return result;
            }
            if ((a.IsInfinity && b.IsInfinity) || (a.IsZero && b.IsZero))
            {
                return c.Invalid();
            }
            if (b.IsZero && !a.IsInfinity)
            {
                return c.DividedByZero(negative);
            }
            c.NoteDenormal(a, b);
            if (a.IsInfinity)
            {
                return Float80.Infinity(negative);
            }
            if (a.IsZero || b.IsInfinity)
            {
                return Float80.Zero(negative);
            }
        }
        Unpacked x = Unpacked.From(a), y = Unpacked.From(b);
        int exponent = x.Exponent - y.Exponent + Float80.Bias;
        UInt128 dividend = (UInt128)x.Significand << 64;
        if (x.Significand < y.Significand)
        {
            exponent--;
        }
        else
        {
            dividend >>= 1;
        }
        (UInt128 quotient, UInt128 remainder) = UInt128.DivRem(dividend, y.Significand);
        return Rounder.Register(ref c, c.Precision, negative, exponent, (ulong)quotient, FractionOf((ulong)remainder, y.Significand));
    }

    public static Float80 SquareRoot(ref FpuContext c, Float80 a)
    {
        if (NanRules.Decide(ref c, a, out Float80 result))
        {
            return result;
        }
        if (a.IsZero)
        {
            return a;
        }
        if (a.IsNegative)
        {
            return c.Invalid();
        }
        c.NoteDenormal(a);
        if (a.IsInfinity)
        {
            return a;
        }
        Unpacked x = Unpacked.From(a);
        // The radicand is the significand with an even power of two, so that its root has 64 bits.
        int power = x.Exponent - Float80.Bias;
        UInt128 radicand = (UInt128)x.Significand << ((power & 1) == 0 ? 63 : 64);
        ulong root = Root(radicand);
        UInt128 rest = radicand - (UInt128)root * root;
        // The next bit of the root is one when the rest exceeds root + 1/4; a root of an integer is never half way.
        ulong fraction = rest == 0 ? 0 : rest > root ? Float80.IntegerBit | 1 : 1;
        return Rounder.Register(ref c, c.Precision, false, (power >> 1) + Float80.Bias, root, fraction);
    }

    /// <summary>The integer root of a number with 127 or 128 bits.</summary>
    static ulong Root(UInt128 radicand)
    {
        // A guess with some 50 good bits, then Newton's step, then the last unit.
        ulong guess = (ulong)Math.Min(Math.Sqrt((double)(ulong)(radicand >> 64)) * 4294967296.0, 18446744073709549568.0);
        UInt128 next = (guess + radicand / guess) >> 1;
        ulong root = next > ulong.MaxValue ? ulong.MaxValue : (ulong)next;
        while ((UInt128)root * root > radicand)
        {
            root--;
        }
        while (root != ulong.MaxValue && (UInt128)(root + 1) * (root + 1) <= radicand)
        {
            root++;
        }
        return root;
    }

    /// <summary>remainder / divisor as the bits that follow a quotient: half, more or less.</summary>
    static ulong FractionOf(ulong remainder, ulong divisor)
    {
        if (remainder == 0)
        {
            return 0;
        }
        ulong rest = divisor - remainder;
        return remainder == rest ? Float80.IntegerBit : remainder > rest ? Float80.IntegerBit | 1 : 1;
    }
}
