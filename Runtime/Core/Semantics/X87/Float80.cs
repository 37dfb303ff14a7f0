using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>The double extended-precision format: a significand with explicit integer bit, sign and exponent.</summary>
/// <param name="significand">The 64 bits of the significand.</param>
/// <param name="signExponent">Sign in bit 15, biased exponent below.</param>
/// <remarks>In memory it has ten bytes. They are moved as two fields: copies that span both would wait for the stores of the fields.</remarks>
readonly unsafe struct Float80(ulong significand, int signExponent)
{
    /// <summary>Bytes in memory.</summary>
    public const int Size = 10;
    public const int Bias = 16383, MaxExponent = 0x7FFE, SpecialExponent = 0x7FFF;
    public const ulong IntegerBit = 1UL << 63, QuietBit = 1UL << 62;
    const int SignBit = 0x8000;

    public readonly ulong Significand = significand;
    public readonly ushort SignExponent = (ushort)signExponent;

    /// <summary>The "real indefinite": the default quiet NaN, answer to a masked invalid operation.</summary>
    public static Float80 Indefinite => new(IntegerBit | QuietBit, SignBit | SpecialExponent);

    public static Float80 One => new(IntegerBit, Bias);

    /// <summary>Reads the ten bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Read(byte* p) => new(Unsafe.ReadUnaligned<ulong>(p), Unsafe.ReadUnaligned<ushort>(p + sizeof(ulong)));

    /// <summary>Writes the ten bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(byte* p)
    {
        Unsafe.WriteUnaligned(p, Significand);
        Unsafe.WriteUnaligned(p + sizeof(ulong), SignExponent);
    }

    public int Exponent
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => SignExponent & SpecialExponent;
    }

    public bool IsNegative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (SignExponent & SignBit) != 0;
    }

    /// <summary>A normalised finite number other than zero.</summary>
    public bool IsNormal
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (long)Significand < 0 && (uint)(Exponent - 1) < MaxExponent;
    }

    public bool IsZero => Significand == 0 && Exponent == 0;

    /// <summary>Denormal or pseudo-denormal (exponent zero with the integer bit set).</summary>
    public bool IsDenormal => Exponent == 0 && Significand != 0;

    public bool IsInfinity => Exponent == SpecialExponent && Significand == IntegerBit;

    public bool IsNan => Exponent == SpecialExponent && Significand > IntegerBit;

    public bool IsSignalingNan => IsNan && (Significand & QuietBit) == 0;

    /// <summary>Unnormal, pseudo-infinity or pseudo-NaN: a zero integer bit where the exponent asks for one. Not a number since the 387.</summary>
    public bool IsUnsupported => Exponent != 0 && (long)Significand >= 0;

    public static Float80 Zero(bool negative) => new(0, negative ? SignBit : 0);

    public static Float80 Infinity(bool negative) => new(IntegerBit, (negative ? SignBit : 0) | SpecialExponent);

    /// <summary>A number from its parts; <paramref name="exponent"/> is biased.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 From(bool negative, int exponent, ulong significand) => new(significand, (negative ? SignBit : 0) | exponent);

    /// <summary>The same magnitude with another sign.</summary>
    public Float80 WithSign(bool negative) => From(negative, Exponent, Significand);
}
