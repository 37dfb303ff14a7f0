namespace FastVcpu.Semantics.X87;

/// <summary>Logarithms to the base two, and powers of two near one.</summary>
static class Logarithm
{
    static Wide Ln2 => new(false, -1, new UInt128(0xB172_17F7_D1CF_79AB, 0xC9E3_B398_03F2_F6AF));
    /// <summary>2/ln 2.</summary>
    static Wide TwoLog2E => new(false, 1, new UInt128(0xB8AA_3B29_5C17_F0BB, 0xBE87_FED0_691D_3E88));
    static UInt128 SquareRootOfTwo => new(0xB504_F333_F9DE_6484, 0x597D_89B3_754A_BE9F);

    /// <summary>The logarithm of a positive number; exact for powers of two.</summary>
    public static Wide Log2(Wide x)
    {
        // The fraction is brought to between √½ and √2, where the integer part cannot cancel it.
        int whole = x.Significand > SquareRootOfTwo ? x.Exponent + 1 : x.Exponent;
        Wide fraction = x with { Exponent = x.Exponent - whole };
        return Wide.FromInteger(whole) + OfQuotient((fraction - Wide.One) / (fraction + Wide.One));
    }

    /// <summary>The logarithm of 1 + x for x above −1.</summary>
    public static Wide Log2OfOnePlus(Wide x)
    {
        Wide sum = Wide.One + x;
        bool isNearOne = sum.Exponent is 0 or -1 && x.Exponent < -1;
        return isNearOne ? OfQuotient(x / (Wide.One + sum)) : Log2(sum);
    }

    /// <summary>2^x − 1 for x between −1 and 1.</summary>
    public static Wide PowerMinusOne(Wide x)
    {
        Wide t = x * Ln2;
        return t * Series.Exponential.Sum(t.ToFraction(), t.Negative);
    }

    /// <summary>The logarithm of (1 + z)/(1 − z).</summary>
    static Wide OfQuotient(Wide z) => z * Series.ArcTangent.Sum((z * z).ToFraction(), alternates: false) * TwoLog2E;
}
