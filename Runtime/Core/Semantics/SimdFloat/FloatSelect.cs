using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastVcpu.Semantics;

/// <summary>MINPS and its kin: the second operand unless the first is less.</summary>
readonly struct FloatMin : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Minimum<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => ~HostFloat.IsOrdered(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => Vector128<T>.AllBitsSet;
}

/// <summary>MAXPS and its kin: the second operand unless the first is greater.</summary>
readonly struct FloatMax : IFloatBinary
{
    public static ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged => SoftFloat.Maximum<T>(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged => Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => ~HostFloat.IsOrdered(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> r) where T : unmanaged => Vector128<T>.AllBitsSet;
}
