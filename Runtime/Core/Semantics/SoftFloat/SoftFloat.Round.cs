namespace FastVcpu.Semantics;

/// <summary>
/// Exact IEEE 754 arithmetic as x86 does it, with every exception flag, in integer operations only: the same bits on every host. One text for all
/// formats; operands and results are bit patterns.
/// </summary>
static partial class SoftFloat
{
    /// <summary>Rounds <c>± significand · 2^(exponent − 63)</c> (bit 63 set, bit 0 sticky) to the format and packs it.</summary>
    public static ulong Round<T>(ref FloatContext c, bool negative, int exponent, ulong significand) where T : unmanaged
    {
        int drop = 64 - FloatFormat<T>.Precision;
        int biased = exponent + FloatFormat<T>.Bias;
        ulong sign = negative ? FloatFormat<T>.SignBit : 0;
        bool tiny = false, inexact = significand << FloatFormat<T>.Precision != 0;
        if (biased <= 0)
        {
            // Tininess is detected after rounding (SDM Vol. 1 4.9.1.5): just below the smallest normal number, rounding may leave the range.
            tiny = biased < 0 || (significand >> drop) + RoundingIncrement(c, negative, significand, drop) >> FloatFormat<T>.Precision == 0;
            if (tiny && (c.Control & FloatContext.FlushToZero) != 0 && c.IsMasked(FloatContext.Underflow))
            {
                c.Flags |= FloatContext.Underflow | FloatContext.Precision;
                return sign;
            }
            if (tiny && !c.IsMasked(FloatContext.Underflow))
            {
                // The exception comes before anything is cut off to fit (SDM Vol. 1 4.9.1.5); there is no result.
                c.Flags |= FloatContext.Underflow | (inexact ? FloatContext.Precision : 0);
                return sign;
            }
            significand = ShiftRightSticky(significand, 1 - biased);
            biased = 1;
        }
        ulong increment = RoundingIncrement(c, negative, significand, drop);
        ulong packed = ((ulong)(biased - 1) << (FloatFormat<T>.Precision - 1)) + (significand >> drop) + increment;
        inexact = significand << FloatFormat<T>.Precision != 0;
        if (packed >= FloatFormat<T>.Infinity)
        {
            c.Flags |= FloatContext.Overflow | (inexact || c.IsMasked(FloatContext.Overflow) ? FloatContext.Precision : 0);
            bool infinite = c.Rounding == RoundingMode.Nearest || c.Rounding == (negative ? RoundingMode.Down : RoundingMode.Up);
            return sign | (FloatFormat<T>.Infinity - (infinite ? 0UL : 1));
        }
        if (inexact)
        {
            c.Flags |= FloatContext.Precision;
        }
        if (tiny && inexact)
        {
            c.Flags |= FloatContext.Underflow;
        }
        return sign | packed;
    }

    /// <summary>What rounding adds to <paramref name="significand"/> when its <paramref name="drop"/> low bits are cut off: 0 or 1.</summary>
    static ulong RoundingIncrement(in FloatContext c, bool negative, ulong significand, int drop)
    {
        ulong rest = significand & ((1UL << drop) - 1), half = 1UL << (drop - 1);
        bool up = c.Rounding switch
        {
            RoundingMode.Nearest => rest > half || rest == half && (significand >> drop & 1) != 0,
            RoundingMode.Down => negative && rest != 0,
            RoundingMode.Up => !negative && rest != 0,
            _ => false,
        };
        return up ? 1UL : 0;
    }

    /// <summary>Shifts right; bits that fall off stay visible as bit 0.</summary>
    static ulong ShiftRightSticky(ulong value, int count) =>
        count == 0 ? value : count > 63 ? value != 0 ? 1UL : 0 : value >> count | (value << (64 - count) != 0 ? 1UL : 0);

    static UInt128 ShiftRightSticky(UInt128 value, int count) =>
        count == 0 ? value : count > 127 ? value != 0 ? 1u : 0 : value >> count | (value << (128 - count) != 0 ? 1u : (UInt128)0);

    static ulong Zero<T>(bool negative) where T : unmanaged => negative ? FloatFormat<T>.SignBit : 0;

    static ulong Infinity<T>(bool negative) where T : unmanaged => Zero<T>(negative) | FloatFormat<T>.Infinity;

    static ulong Invalid<T>(ref FloatContext c) where T : unmanaged
    {
        c.Flags |= FloatContext.Invalid;
        return FloatFormat<T>.DefaultNan;
    }

    /// <summary>The first NaN of two operands, made quiet (SDM Vol. 1 table 4-7). At least one is a NaN.</summary>
    static ulong PropagateNan<T>(ref FloatContext c, in Unpacked x, ulong a, in Unpacked y, ulong b) where T : unmanaged
    {
        if (x.Kind == FloatKind.SignalingNan || y.Kind == FloatKind.SignalingNan)
        {
            c.Flags |= FloatContext.Invalid;
        }
        return (x.IsNan ? a : b) | FloatFormat<T>.QuietBit;
    }

    static void NoteDenormal(ref FloatContext c, bool isDenormal)
    {
        if (isDenormal)
        {
            c.Flags |= FloatContext.Denormal;
        }
    }

    /// <summary>The sign of an exact zero that is the sum of two numbers of different sign.</summary>
    static bool IsCancelledZeroNegative(in FloatContext c) => c.Rounding == RoundingMode.Down;
}
