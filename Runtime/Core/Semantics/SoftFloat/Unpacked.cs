using System.Numerics;

namespace FastVcpu.Semantics;

enum FloatKind : byte
{
    Zero,
    Finite,
    Infinity,
    QuietNan,
    SignalingNan,
}

/// <summary>A floating-point number taken apart: a finite one is <c>± Significand · 2^(Exponent − 63)</c> with bit 63 of the significand set.</summary>
struct Unpacked
{
    public ulong Significand;
    public int Exponent;
    public bool Negative;
    public FloatKind Kind;
    public bool IsDenormal;

    public readonly bool IsNan => Kind >= FloatKind.QuietNan;

    /// <summary>Takes a bit pattern apart; a denormal number is a zero when the context says so.</summary>
    public static Unpacked From<T>(in FloatContext context, ulong bits) where T : unmanaged
    {
        Unpacked u = default;
        ulong fraction = bits & FloatFormat<T>.FractionMask;
        int exponent = (int)(bits >> (FloatFormat<T>.Precision - 1)) & FloatFormat<T>.MaxExponent;
        u.Negative = (bits & FloatFormat<T>.SignBit) != 0;
        if (exponent == FloatFormat<T>.MaxExponent)
        {
            u.Kind = fraction == 0 ? FloatKind.Infinity : (fraction & FloatFormat<T>.QuietBit) != 0 ? FloatKind.QuietNan : FloatKind.SignalingNan;
        }
        else if (exponent != 0)
        {
            u.Kind = FloatKind.Finite;
            u.Exponent = exponent - FloatFormat<T>.Bias;
            u.Significand = (fraction | FloatFormat<T>.MinNormal) << (64 - FloatFormat<T>.Precision);
        }
        else if (fraction != 0 && !context.HasDenormalsAreZeros)
        {
            int shift = BitOperations.LeadingZeroCount(fraction);
            u.Kind = FloatKind.Finite;
            u.IsDenormal = true;
            u.Exponent = 64 - FloatFormat<T>.Precision - shift + 1 - FloatFormat<T>.Bias;
            u.Significand = fraction << shift;
        }
        return u;
    }

    /// <summary>An integer, exactly.</summary>
    public static Unpacked FromInteger(ulong magnitude, bool negative)
    {
        Unpacked u = default;
        u.Negative = negative;
        if (magnitude != 0)
        {
            int shift = BitOperations.LeadingZeroCount(magnitude);
            u.Kind = FloatKind.Finite;
            u.Exponent = 63 - shift;
            u.Significand = magnitude << shift;
        }
        return u;
    }

    /// <summary>Orders finite magnitudes, zeros and infinities.</summary>
    public readonly int CompareMagnitude(in Unpacked other) =>
        Kind != other.Kind ? Kind.CompareTo(other.Kind)
        : Exponent != other.Exponent ? Exponent.CompareTo(other.Exponent)
        : Significand.CompareTo(other.Significand);
}
