namespace FastVcpu.Semantics.X87;

/// <summary>Sine, cosine and tangent.</summary>
static class Trigonometry
{
    /// <summary>
    /// π/2 in units of 2^-65. Processors have always reduced arguments by a π of 66 bits; with more of them large arguments would give other
    /// results.
    /// </summary>
    static UInt128 HalfPi => new(0x3, 0x243F_6A88_85A3_08D3);
    const int HalfPiScale = -65;

    /// <summary>Below this exponent an argument is below 1/2 and is not reduced.</summary>
    const int ReducedFrom = -1;

    /// <summary>Arguments from 2^63 on are out of range (C2).</summary>
    public static bool IsInRange(Float80 a) => a.Exponent < Float80.Bias + 63;

    /// <summary>Sine and cosine of a finite number other than zero in range.</summary>
    public static (Wide Sine, Wide Cosine) SineCosine(Unpacked a)
    {
        (Wide angle, int quadrant) = Reduce(a);
        UInt128 square = (angle * angle).ToFraction();
        bool isTiny = square == 0;
        Wide sine = isTiny ? angle.Below() : angle * Series.Sine.Sum(square, alternates: true);
        Wide cosine = isTiny ? Wide.One.Below() : Series.Cosine.Sum(square, alternates: true);
        return quadrant switch
        {
            0 => (sine, cosine),
            1 => (cosine, -sine),
            2 => (-sine, -cosine),
            _ => (-cosine, sine),
        };
    }

    /// <summary>Tangent of a finite number other than zero in range.</summary>
    public static Wide Tangent(Unpacked a)
    {
        (Wide sine, Wide cosine) = SineCosine(a);
        // That of a tiny angle is greater by too little to be seen.
        return cosine == Wide.One.Below() ? Wide.From(a) : sine / cosine;
    }

    /// <summary>Takes the nearest multiple of π/2 off an argument, exactly.</summary>
    static (Wide Angle, int Quadrant) Reduce(Unpacked a)
    {
        int exponent = a.Exponent - Float80.Bias;
        if (exponent < ReducedFrom)
        {
            return (Wide.From(a), 0);
        }
        UInt128 magnitude = (UInt128)a.Significand << (exponent - 63 - HalfPiScale);
        (UInt128 count, UInt128 rest) = UInt128.DivRem(magnitude, HalfPi);
        bool isAbove = rest > HalfPi >> 1;
        if (isAbove)
        {
            rest = HalfPi - rest;
            count++;
        }
        int quadrant = (int)(count & 3);
        return (Wide.From(a.Negative != isAbove, rest, HalfPiScale), a.Negative ? -quadrant & 3 : quadrant);
    }
}
