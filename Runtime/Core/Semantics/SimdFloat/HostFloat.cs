using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastVcpu.Semantics;

/// <summary>Questions about host vectors that decide whether the host's arithmetic may be used.</summary>
static class HostFloat
{
    /// <summary>Rounding to nearest, all exceptions masked. DAZ and FTZ do not matter: operands and results that they change are doubtful anyhow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUsable(uint mxcsr) =>
        (mxcsr & (FloatContext.RoundingMask | FloatContext.AllExceptions << FloatContext.MaskShift)) == FloatContext.AllExceptions << FloatContext.MaskShift;

    /// <summary>The precision flag is set already, so that nobody can tell whether a result has been rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPrecisionNoted(uint mxcsr) => (mxcsr & FloatContext.Precision) != 0;

    /// <summary>Not zero, and less than a limit (given by its bits) in magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsSmall<T>(Vector128<T> x, ulong limit) where T : unmanaged => IsBelow(Rank(x), limit);

    /// <summary>One of two is not zero and less than a limit (given by its bits) in magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsSmall<T>(Vector128<T> x, Vector128<T> y, ulong limit) where T : unmanaged => IsBelow(Lesser(Rank(x), Rank(y)), limit);

    /// <summary>One of three is not zero and less than a limit (given by its bits) in magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsSmall<T>(Vector128<T> x, Vector128<T> y, Vector128<T> z, ulong limit) where T : unmanaged =>
        IsBelow(Lesser(Lesser(Rank(x), Rank(y)), Rank(z)), limit);

    /// <summary>
    /// Signed integers in the order of the magnitudes, but with zero at the far end: doubling drops the sign, taking one away moves zero, and the
    /// flipped top bit makes it fit signed comparisons, which all hosts have.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<T> Rank<T>(Vector128<T> x) where T : unmanaged => typeof(T) == typeof(double)
        ? (x.AsInt64() + x.AsInt64() + Vector128.Create(long.MaxValue)).As<long, T>()
        : (x.AsInt32() + x.AsInt32() + Vector128.Create(int.MaxValue)).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<T> Lesser<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => typeof(T) == typeof(double)
        ? Vector128.Min(x.AsInt64(), y.AsInt64()).As<long, T>() : Vector128.Min(x.AsInt32(), y.AsInt32()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<T> IsBelow<T>(Vector128<T> rank, ulong limit) where T : unmanaged => typeof(T) == typeof(double)
        ? Vector128.LessThan(rank.AsInt64(), Vector128.Create((long)(2 * limit) + long.MaxValue)).As<long, T>()
        : Vector128.LessThan(rank.AsInt32(), Vector128.Create((int)(2 * limit) + int.MaxValue)).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsFinite<T>(Vector128<T> x) where T : unmanaged => Vector128.LessThan(Vector128.Abs(x), Of<T>(FloatFormat<T>.Infinity));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsZero<T>(Vector128<T> x) where T : unmanaged => Vector128.Equals(x, Vector128<T>.Zero);

    /// <summary>Neither is a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsOrdered<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => Vector128.Equals(x, x) & Vector128.Equals(y, y);

    /// <summary>Neither NaNs nor denormals, so that a comparison raises nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged =>
        (IsDenormal(x) | IsDenormal(y) | ~IsOrdered(x, y)).AsByte() == Vector128<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Round<T>(Vector128<T> x, RoundingMode mode) where T : unmanaged => typeof(T) == typeof(double)
        ? Round(x.AsDouble(), mode).As<double, T>() : Round(x.AsSingle(), mode).As<float, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<double> Round(Vector128<double> x, RoundingMode mode) => mode switch
    {
        RoundingMode.Nearest => Vector128.Round(x),
        RoundingMode.Down => Vector128.Floor(x),
        RoundingMode.Up => Vector128.Ceiling(x),
        _ => Vector128.Truncate(x),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Round(Vector128<float> x, RoundingMode mode) => mode switch
    {
        RoundingMode.Nearest => Vector128.Round(x),
        RoundingMode.Down => Vector128.Floor(x),
        RoundingMode.Up => Vector128.Ceiling(x),
        _ => Vector128.Truncate(x),
    };

    /// <summary>x · y + z, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> FusedMultiplyAdd<T>(Vector128<T> x, Vector128<T> y, Vector128<T> z) where T : unmanaged => typeof(T) == typeof(double)
        ? Vector128.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>()
        : Vector128.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>();

    /// <summary>
    /// A result with rounding is that of x86: no element is doubtful for the operation's own reasons, and either nobody can tell whether it has been
    /// rounded, or it has not.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsCertain<T>(uint mxcsr, Vector128<T> doubt) where T : unmanaged => IsUsable(mxcsr) && doubt.AsByte() == Vector128<byte>.Zero;

    /// <summary>Not an ordinary operand: a denormal number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsDenormal<T>(Vector128<T> x) where T : unmanaged => IsSmall(x, FloatFormat<T>.MinNormal);

    /// <summary>The lower half of a vector operand, or a scalar in all elements, so that none of them raises what the scalar does not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Lower<TVector, T>(TVector a) where TVector : unmanaged where T : unmanaged
    {
        if (typeof(TVector) == typeof(ulong)) return Vector128.Create((ulong)(object)a).As<ulong, T>();
        if (typeof(TVector) == typeof(uint)) return Vector128.Create((uint)(object)a).As<uint, T>();
        return typeof(TVector) == typeof(Vector256<byte>)
            ? ((Vector256<byte>)(object)a).GetLower().As<byte, T>() : ((Vector128<byte>)(object)a).As<byte, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Upper<TVector, T>(TVector a) where TVector : unmanaged where T : unmanaged =>
        ((Vector256<byte>)(object)a).GetUpper().As<byte, T>();

    /// <summary>The inverse of <see cref="Lower"/> and <see cref="Upper"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Join<TVector, T>(Vector128<T> low, Vector128<T> high) where TVector : unmanaged where T : unmanaged
    {
        if (typeof(TVector) == typeof(ulong)) return (TVector)(object)low.AsUInt64().ToScalar();
        if (typeof(TVector) == typeof(uint)) return (TVector)(object)low.AsUInt32().ToScalar();
        return typeof(TVector) == typeof(Vector256<byte>)
            ? (TVector)(object)Vector256.Create(low, high).AsByte() : (TVector)(object)low.AsByte();
    }

    /// <summary>All elements with these bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Of<T>(ulong bits) where T : unmanaged =>
        typeof(T) == typeof(double) ? Vector128.Create(bits).As<ulong, T>() : Vector128.Create((uint)bits).As<uint, T>();

    /// <summary>
    /// A product or quotient below this limit might be inexact and denormal, or the test of its exactness (a fused multiplication that takes it away
    /// from what it should be) might itself be.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SafeProduct<T>() where T : unmanaged => (ulong)(2 * FloatFormat<T>.Precision) << (FloatFormat<T>.Precision - 1);
}
