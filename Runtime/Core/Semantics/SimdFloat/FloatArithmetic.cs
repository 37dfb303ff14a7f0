using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastVcpu.Semantics;

// Arithmetic. In each of them "doubt" are the elements in which the host's result may have other bits than the exact one, or in which an exception
// other than precision is possible; then those that have been rounded while MXCSR has not noted that yet, or that are not finite.

readonly struct FloatAdd : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Add<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = x + y;
        Vector128<T> doubt = HostFloat.IsSmall(x, y, r, FloatFormat<T>.MinNormal);
        // Taking the larger operand away is always exact (Dekker), so the smaller one comes out unless the sum has been rounded.
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~(Vector128.Equals(r - x, y) & Vector128.Equals(r - y, x));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

readonly struct FloatSubtract : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Subtract<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = x - y;
        Vector128<T> doubt = HostFloat.IsSmall(x, y, r, FloatFormat<T>.MinNormal);
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~(Vector128.Equals(x - r, y) & Vector128.Equals(r + y, x));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

readonly struct FloatMultiply : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Multiply<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = x * y;
        Vector128<T> doubt = HostFloat.IsSmall(x, y, FloatFormat<T>.MinNormal)
            | HostFloat.IsSmall(r, HostFloat.SafeProduct<T>()) | Vector128.AndNot(HostFloat.IsZero(r), HostFloat.IsZero(x) | HostFloat.IsZero(y));
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~(HostFloat.IsZero(HostFloat.FusedMultiplyAdd(x, y, -r)));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

readonly struct FloatDivide : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Divide<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = x / y;
        Vector128<T> doubt = HostFloat.IsSmall(x, HostFloat.SafeProduct<T>()) | HostFloat.IsDenormal(y)
            | HostFloat.IsSmall(r, HostFloat.SafeProduct<T>()) | Vector128.AndNot(HostFloat.IsZero(r), HostFloat.IsZero(x));
        // The remainder is as far below the dividend as a product's error is below the product.
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~(HostFloat.IsZero(HostFloat.FusedMultiplyAdd(r, y, -x)));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

readonly struct FloatSquareRoot : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.SquareRoot<T>(ref c, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = Vector128.Sqrt(x);
        Vector128<T> doubt = HostFloat.IsSmall(x, HostFloat.SafeProduct<T>());
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~(HostFloat.IsZero(HostFloat.FusedMultiplyAdd(r, r, -x)));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

/// <summary>MINPS and its kin: the second operand unless the first is less.</summary>
readonly struct FloatMin : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Minimum<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);
        return HostFloat.IsPlain(x, y);
    }
}

/// <summary>MAXPS and its kin: the second operand unless the first is greater.</summary>
readonly struct FloatMax : IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => SoftFloat.Maximum<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);
        return HostFloat.IsPlain(x, y);
    }
}

/// <summary>ROUNDPS and its kin: to integral values.</summary>
readonly struct FloatRound(byte control) : IFloatImmediate<FloatRound>
{
    /// <summary>Bits of the immediate: rounding mode; take it from MXCSR instead; no precision exception.</summary>
    const int ModeMask = 3, FromMxcsr = 4, Quiet = 8;

    public static FloatRound From(byte immediate) => new(immediate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    RoundingMode Mode(uint mxcsr) => (RoundingMode)(((control & FromMxcsr) != 0 ? mxcsr >> FloatContext.RoundingShift : control) & ModeMask);

    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged
    {
        FloatContext rounding = c.With(Mode(c.Control));
        ulong result = SoftFloat.RoundToIntegral<T>(ref rounding, a);
        c.Flags = (control & Quiet) != 0 ? c.Flags | rounding.Flags & ~FloatContext.Precision : rounding.Flags;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        r = HostFloat.Round(x, Mode(mxcsr));
        bool isUnobserved = (control & Quiet) != 0 || (HostFloat.IsPrecisionNoted(mxcsr) && HostFloat.IsUsable(mxcsr));
        return HostFloat.IsPlain(x, isUnobserved ? x : r) && (isUnobserved || Vector128.EqualsAll(x, r));
    }
}
