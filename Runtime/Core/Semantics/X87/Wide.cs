namespace FastVcpu.Semantics.X87;

/// <summary>A number with 128 significant bits, for the inside of transcendental functions: significand × 2^(exponent − 127), truncated.</summary>
/// <param name="Negative">Sign.</param>
/// <param name="Exponent">Exponent of the leading bit.</param>
/// <param name="Significand">The leading bit is set unless the number is zero.</param>
readonly record struct Wide(bool Negative, int Exponent, UInt128 Significand)
{
    const int TopBit = 127;

    public static Wide Zero => default;

    public static Wide One => new(false, 0, UInt128.One << TopBit);

    public bool IsZero => Significand == 0;

    /// <summary>The exact value of a register.</summary>
    public static Wide From(Unpacked value) => new(value.Negative, value.Exponent - Float80.Bias, (UInt128)value.Significand << 64);

    /// <summary>magnitude × 2^scale.</summary>
    public static Wide From(bool negative, UInt128 magnitude, int scale)
    {
        if (magnitude == 0)
        {
            return Zero;
        }
        int shift = (int)UInt128.LeadingZeroCount(magnitude);
        return new(negative, TopBit - shift + scale, magnitude << shift);
    }

    public static Wide FromInteger(int value) => From(value < 0, (UInt128)Math.Abs((long)value), 0);

    /// <summary>Rounds to a register; <paramref name="isExact"/> tells that no bits have been lost so far.</summary>
    public Float80 Round(ref FpuContext c, bool isExact = false)
    {
        if (IsZero)
        {
            return Float80.Zero(Negative);
        }
        ulong low = (ulong)Significand | (isExact ? 0UL : 1);
        return Rounder.Register(ref c, 64, Negative, Exponent + Float80.Bias, (ulong)(Significand >> 64), low);
    }

    /// <summary>The magnitude of a number below one in units of 2^-128.</summary>
    public UInt128 ToFraction() => Exponent < -128 ? 0 : Significand >> (-1 - Exponent);

    /// <summary>The next smaller magnitude: for what is less by too little to be seen, so that directed rounding knows.</summary>
    public Wide Below() => From(Negative, Significand - 1, Exponent - TopBit);

    public static Wide operator -(Wide a) => a with { Negative = !a.Negative };

    public static Wide operator +(Wide a, Wide b)
    {
        if (a.IsZero || b.IsZero)
        {
            return a.IsZero ? b : a;
        }
        if (a.Exponent < b.Exponent || (a.Exponent == b.Exponent && a.Significand < b.Significand))
        {
            (a, b) = (b, a);
        }
        int distance = a.Exponent - b.Exponent;
        UInt128 aligned = distance > TopBit ? 0 : b.Significand >> distance;
        if (a.Negative != b.Negative)
        {
            return From(a.Negative, a.Significand - aligned, a.Exponent - TopBit);
        }
        UInt128 sum = a.Significand + aligned;
        return sum >= aligned ? a with { Significand = sum } : new(a.Negative, a.Exponent + 1, sum >> 1 | One.Significand);
    }

    public static Wide operator -(Wide a, Wide b) => a + -b;

    public static Wide operator *(Wide a, Wide b)
    {
        if (a.IsZero || b.IsZero)
        {
            return Zero with { Negative = a.Negative != b.Negative };
        }
        UInt128 product = MultiplyHigh(a.Significand, b.Significand);
        return From(a.Negative != b.Negative, product, a.Exponent + b.Exponent + 1 - TopBit);
    }

    public static Wide operator /(Wide a, Wide b)
    {
        if (a.IsZero)
        {
            return a with { Negative = a.Negative != b.Negative };
        }
        bool isLess = a.Significand < b.Significand;
        // Two digits of 64 bits each; the dividend is kept below the divisor.
        UInt128 rest = isLess ? a.Significand : a.Significand >> 1;
        ulong high = Digit(ref rest, b.Significand), low = Digit(ref rest, b.Significand);
        return From(a.Negative != b.Negative, new UInt128(high, low), a.Exponent - b.Exponent - (isLess ? 1 : 0) - TopBit);
    }

    /// <summary>The quotient (rest × 2^64) / divisor, which is below 2^64; leaves the new rest.</summary>
    static ulong Digit(ref UInt128 rest, UInt128 divisor)
    {
        ulong top = (ulong)(divisor >> 64), bottom = (ulong)divisor;
        UInt128 guess = rest / top;
        ulong digit = guess > ulong.MaxValue ? ulong.MaxValue : (ulong)guess;
        // digit × divisor as 192 bits; the guess is too great by two at most.
        UInt128 low = (UInt128)digit * bottom;
        UInt128 high = (UInt128)digit * top + (low >> 64);
        while (high > rest || (high == rest && (ulong)low != 0))
        {
            digit--;
            high -= top + ((ulong)low < bottom ? UInt128.One : 0);
            low -= bottom;
        }
        rest = (rest - high << 64) - (ulong)low;
        return digit;
    }

    /// <summary>The upper half of a product of 256 bits.</summary>
    public static UInt128 MultiplyHigh(UInt128 a, UInt128 b)
    {
        ulong a1 = (ulong)(a >> 64), a0 = (ulong)a, b1 = (ulong)(b >> 64), b0 = (ulong)b;
        UInt128 middle = (UInt128)a1 * b0 + Math.BigMul(a0, b0, out _);
        UInt128 other = (UInt128)a0 * b1 + (ulong)middle;
        return (UInt128)a1 * b1 + (middle >> 64) + (other >> 64);
    }
}
