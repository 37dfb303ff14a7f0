namespace FastVcpu.Semantics;

static partial class SoftFloat
{
    /// <summary>Another format; a NaN keeps the upper bits of its payload.</summary>
    public static ulong Convert<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged
    {
        Unpacked x = Unpacked.From<TFrom>(c, a);
        if (x.IsNan)
        {
            if (x.Kind == FloatKind.SignalingNan) c.Flags |= FloatContext.Invalid;
            ulong payload = (a & FloatFormat<TFrom>.FractionMask) << (64 - FloatFormat<TFrom>.Precision);
            return Infinity<TTo>(x.Negative) | FloatFormat<TTo>.QuietBit | payload >> (64 - FloatFormat<TTo>.Precision);
        }
        NoteDenormal(ref c, x.IsDenormal);
        return x.Kind switch
        {
            FloatKind.Infinity => Infinity<TTo>(x.Negative),
            FloatKind.Zero => Zero<TTo>(x.Negative),
            _ => Round<TTo>(ref c, x.Negative, x.Exponent, x.Significand),
        };
    }

    public static ulong FromInteger<T>(ref FloatContext c, ulong magnitude, bool negative) where T : unmanaged
    {
        Unpacked x = Unpacked.FromInteger(magnitude, negative);
        return x.Kind == FloatKind.Zero ? 0 : Round<T>(ref c, negative, x.Exponent, x.Significand);
    }

    /// <summary>A signed integer of <paramref name="width"/> bits; what does not fit is the "integer indefinite", the most negative one.</summary>
    /// <remarks>Denormal operands are no exception here.</remarks>
    public static ulong ToInteger<T>(ref FloatContext c, ulong a, int width) where T : unmanaged
    {
        ulong indefinite = 1UL << (width - 1);
        Unpacked x = Unpacked.From<T>(c, a);
        if (x.Kind == FloatKind.Zero) return 0;
        if (x.Kind == FloatKind.Finite && x.Exponent < 64)
        {
            ulong magnitude = RoundToInteger(c, x, out bool inexact);
            if (magnitude < indefinite || magnitude == indefinite && x.Negative)
            {
                if (inexact) c.Flags |= FloatContext.Precision;
                return (x.Negative ? 0 - magnitude : magnitude) & (indefinite | (indefinite - 1));
            }
        }
        c.Flags |= FloatContext.Invalid;
        return indefinite;
    }

    /// <summary>An integral value in the same format (ROUNDPS and its kin).</summary>
    public static ulong RoundToIntegral<T>(ref FloatContext c, ulong a) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a);
        if (x.IsNan) return PropagateNan<T>(ref c, x, a, x, a);
        if (x.Kind == FloatKind.Zero) return Zero<T>(x.Negative);
        if (x.Kind == FloatKind.Infinity || x.Exponent >= FloatFormat<T>.Precision - 1) return a;
        ulong magnitude = RoundToInteger(c, x, out bool inexact);
        if (inexact) c.Flags |= FloatContext.Precision;
        return magnitude == 0 ? Zero<T>(x.Negative) : FromInteger<T>(ref c, magnitude, x.Negative);
    }

    /// <summary>The magnitude of a finite number below 2^64 rounded to an integer.</summary>
    static ulong RoundToInteger(in FloatContext c, in Unpacked x, out bool inexact)
    {
        int drop = 63 - x.Exponent;
        if (drop == 0)
        {
            inexact = false;
            return x.Significand;
        }
        // One extra bit on top of the fraction keeps the shifts in range for numbers far below one.
        ulong fixedPoint = drop > 62 ? ShiftRightSticky(x.Significand, drop - 62) : x.Significand;
        drop = Math.Min(drop, 62);
        inexact = (fixedPoint & ((1UL << drop) - 1)) != 0;
        return (fixedPoint >> drop) + RoundingIncrement(c, x.Negative, fixedPoint, drop);
    }
}
