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

    /// <summary>Not zero, and less than a limit (given by its bits) in magnitude. Doubling drops the sign; taking one away moves zero to the far end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsSmall<T>(Vector128<T> x, ulong limit) where T : unmanaged => typeof(T) == typeof(double)
        ? Vector128.LessThan(x.AsUInt64() + x.AsUInt64() + Vector128<ulong>.AllBitsSet, Vector128.Create(2 * limit - 1)).As<ulong, T>()
        : Vector128.LessThan(x.AsUInt32() + x.AsUInt32() + Vector128<uint>.AllBitsSet, Vector128.Create(2 * (uint)limit - 1)).As<uint, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsFinite<T>(Vector128<T> x) where T : unmanaged => Vector128.LessThan(Vector128.Abs(x), Of<T>(FloatFormat<T>.Infinity));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsZero<T>(Vector128<T> x) where T : unmanaged => Vector128.Equals(x, Vector128<T>.Zero);

    /// <summary>Neither is a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsOrdered<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => Vector128.Equals(x, x) & Vector128.Equals(y, y);

    /// <summary>x · y + z, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> FusedMultiplyAdd<T>(Vector128<T> x, Vector128<T> y, Vector128<T> z) where T : unmanaged => typeof(T) == typeof(double)
        ? Vector128.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>()
        : Vector128.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>();

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
