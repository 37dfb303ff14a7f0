namespace FastVcpu.Semantics;

static partial class SoftFloat
{
    public static ulong Add<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => AddSigned<T>(ref c, a, b, false);

    public static ulong Subtract<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => AddSigned<T>(ref c, a, b, true);

    /// <summary>a + b or a − b: negation comes after the look at NaNs, which keep their sign.</summary>
    static ulong AddSigned<T>(ref FloatContext c, ulong a, ulong b, bool negate) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a), y = Unpacked.From<T>(c, b);
        if (x.IsNan || y.IsNan) return PropagateNan<T>(ref c, x, a, y, b);
        y.Negative ^= negate;
        if (x.Kind == FloatKind.Infinity && y.Kind == FloatKind.Infinity && x.Negative != y.Negative) return Invalid<T>(ref c);
        NoteDenormal(ref c, x.IsDenormal || y.IsDenormal);
        if (x.Kind == FloatKind.Infinity || y.Kind == FloatKind.Infinity) return Infinity<T>(x.Kind == FloatKind.Infinity ? x.Negative : y.Negative);
        return Sum<T>(ref c, x, (UInt128)x.Significand << 64, y, (UInt128)y.Significand << 64);
    }

    public static ulong Multiply<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a), y = Unpacked.From<T>(c, b);
        if (x.IsNan || y.IsNan) return PropagateNan<T>(ref c, x, a, y, b);
        bool negative = x.Negative != y.Negative, infinite = x.Kind == FloatKind.Infinity || y.Kind == FloatKind.Infinity;
        bool zero = x.Kind == FloatKind.Zero || y.Kind == FloatKind.Zero;
        if (infinite && zero) return Invalid<T>(ref c);
        NoteDenormal(ref c, x.IsDenormal || y.IsDenormal);
        if (infinite) return Infinity<T>(negative);
        if (zero) return Zero<T>(negative);
        ulong high = Math.BigMul(x.Significand, y.Significand, out ulong low);
        return RoundWide<T>(ref c, negative, x.Exponent + y.Exponent + 1, new UInt128(high, low));
    }

    public static ulong Divide<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a), y = Unpacked.From<T>(c, b);
        if (x.IsNan || y.IsNan) return PropagateNan<T>(ref c, x, a, y, b);
        bool negative = x.Negative != y.Negative;
        if (x.Kind == y.Kind && x.Kind != FloatKind.Finite) return Invalid<T>(ref c);
        if (y.Kind == FloatKind.Zero && x.Kind == FloatKind.Finite)
        {
            c.Flags |= FloatContext.DivideByZero;
            return Infinity<T>(negative);
        }
        NoteDenormal(ref c, x.IsDenormal || y.IsDenormal);
        if (x.Kind == FloatKind.Infinity || y.Kind == FloatKind.Zero) return Infinity<T>(negative);
        if (x.Kind == FloatKind.Zero || y.Kind == FloatKind.Infinity) return Zero<T>(negative);
        // Halving the dividend keeps the quotient within 64 bits: it then lies between 1/4 and 1 of 2^64.
        (UInt128 quotient, UInt128 rest) = UInt128.DivRem(new UInt128(x.Significand >> 1, 0), y.Significand);
        return RoundWide<T>(ref c, negative, x.Exponent - y.Exponent, quotient << 64 | (rest != 0 ? 1u : (UInt128)0));
    }

    public static ulong SquareRoot<T>(ref FloatContext c, ulong a) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a);
        if (x.IsNan) return PropagateNan<T>(ref c, x, a, x, a);
        if (x.Kind == FloatKind.Zero) return Zero<T>(x.Negative);
        if (x.Negative) return Invalid<T>(ref c);
        NoteDenormal(ref c, x.IsDenormal);
        if (x.Kind == FloatKind.Infinity) return Infinity<T>(false);
        UInt128 radicand = (UInt128)x.Significand << ((x.Exponent & 1) != 0 ? 64 : 63);
        ulong root = IntegerSquareRoot(radicand);
        return Round<T>(ref c, false, x.Exponent >> 1, root | ((UInt128)root * root != radicand ? 1UL : 0));
    }

    /// <summary>The largest integer whose square is not above a value of at least 2^126.</summary>
    static ulong IntegerSquareRoot(UInt128 value)
    {
        // The host's square root is good to 53 bits; one Newton step doubles that, and the loops settle the last unit.
        UInt128 root = (UInt128)Math.Sqrt((double)value);
        root = UInt128.Min((root + value / root) >> 1, ulong.MaxValue);
        while (root * root > value) root--;
        while (root < ulong.MaxValue && (root + 1) * (root + 1) <= value) root++;
        return (ulong)root;
    }

    /// <summary>a · b + c with one rounding; <paramref name="negateProduct"/> and <paramref name="negateAddend"/> make the other three forms.</summary>
    public static ulong FusedMultiplyAdd<T>(ref FloatContext c, ulong a, ulong b, ulong addend, bool negateProduct, bool negateAddend) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a), y = Unpacked.From<T>(c, b), z = Unpacked.From<T>(c, addend);
        bool infinite = x.Kind == FloatKind.Infinity || y.Kind == FloatKind.Infinity;
        bool zero = x.Kind == FloatKind.Zero || y.Kind == FloatKind.Zero;
        if (x.IsNan || y.IsNan || z.IsNan)
        {
            if (z.Kind == FloatKind.SignalingNan) c.Flags |= FloatContext.Invalid;
            return x.IsNan || y.IsNan ? PropagateNan<T>(ref c, x, a, y, b) : PropagateNan<T>(ref c, z, addend, z, addend);
        }
        bool negative = x.Negative != y.Negative != negateProduct;
        z.Negative ^= negateAddend;
        if (infinite && (zero || z.Kind == FloatKind.Infinity && z.Negative != negative)) return Invalid<T>(ref c);
        NoteDenormal(ref c, x.IsDenormal || y.IsDenormal || z.IsDenormal);
        if (infinite) return Infinity<T>(negative);
        if (z.Kind == FloatKind.Infinity) return Infinity<T>(z.Negative);
        ulong high = Math.BigMul(x.Significand, y.Significand, out ulong low);
        UInt128 product = new(high, low);
        x.Kind = zero ? FloatKind.Zero : FloatKind.Finite;
        x.Negative = negative;
        x.Exponent += y.Exponent + 1;
        if (high >> 63 == 0)
        {
            x.Exponent--;
            product <<= 1;
        }
        return Sum<T>(ref c, x, product, z, (UInt128)z.Significand << 64);
    }

    /// <summary>The sum of two finite numbers or zeros whose significands are given in 128 bits (bit 127 set, the lowest ten or more bits clear).</summary>
    static ulong Sum<T>(ref FloatContext c, in Unpacked x, UInt128 left, in Unpacked y, UInt128 right) where T : unmanaged
    {
        if (x.Kind == FloatKind.Zero && y.Kind == FloatKind.Zero)
        {
            return Zero<T>(x.Negative == y.Negative ? x.Negative : IsCancelledZeroNegative(c));
        }
        if (x.Kind == FloatKind.Zero) return RoundWide<T>(ref c, y.Negative, y.Exponent, right);
        if (y.Kind == FloatKind.Zero) return RoundWide<T>(ref c, x.Negative, x.Exponent, left);

        // One bit of room for the carry. What a shift pushes out can only matter as "not zero".
        int exponent = Math.Max(x.Exponent, y.Exponent);
        left = ShiftRightSticky(left >> 1, exponent - x.Exponent);
        right = ShiftRightSticky(right >> 1, exponent - y.Exponent);
        if (x.Negative == y.Negative) return RoundWide<T>(ref c, x.Negative, exponent + 1, left + right);
        if (left == right) return Zero<T>(IsCancelledZeroNegative(c));
        return left > right
            ? RoundWide<T>(ref c, x.Negative, exponent + 1, left - right)
            : RoundWide<T>(ref c, y.Negative, exponent + 1, right - left);
    }

    /// <summary>Normalises a 128-bit significand and rounds it.</summary>
    static ulong RoundWide<T>(ref FloatContext c, bool negative, int exponent, UInt128 significand) where T : unmanaged
    {
        int shift = (int)UInt128.LeadingZeroCount(significand);
        significand <<= shift;
        return Round<T>(ref c, negative, exponent - shift, (ulong)(significand >> 64) | ((ulong)significand != 0 ? 1UL : 0));
    }
}
