using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastVcpu.Semantics;

readonly struct FloatAdd : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Add<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => HostFloat.IsSmall(r, FloatFormat<T>.MinNormal);

    // Taking the larger operand away is always exact (Dekker), so the smaller one comes out unless the sum has been rounded.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        Vector128.Equals(r - x, y) & Vector128.Equals(r - y, x);
}

readonly struct FloatSubtract : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Subtract<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => HostFloat.IsSmall(r, FloatFormat<T>.MinNormal);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        Vector128.Equals(x - r, y) & Vector128.Equals(r + y, x);
}

readonly struct FloatMultiply : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Multiply<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        HostFloat.IsSmall(r, HostFloat.SafeProduct<T>()) | Vector128.AndNot(HostFloat.IsZero(r), HostFloat.IsZero(x) | HostFloat.IsZero(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        HostFloat.IsZero(HostFloat.FusedMultiplyAdd(x, y, -r));
}

readonly struct FloatDivide : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Divide<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => x / y;

    // The remainder is as far below the dividend as a product's error is below the product.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        HostFloat.IsSmall(x, HostFloat.SafeProduct<T>()) | HostFloat.IsSmall(r, HostFloat.SafeProduct<T>()) | Vector128.AndNot(HostFloat.IsZero(r), HostFloat.IsZero(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged =>
        HostFloat.IsZero(HostFloat.FusedMultiplyAdd(r, y, -x));
}

readonly struct FloatSquareRoot : IFloatUnary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a) where T : unmanaged => SoftFloat.SquareRoot<T>(ref c, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x) where T : unmanaged => Vector128.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> r) where T : unmanaged => HostFloat.IsSmall(x, HostFloat.SafeProduct<T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> r) where T : unmanaged => HostFloat.IsZero(HostFloat.FusedMultiplyAdd(r, r, -x));
}
