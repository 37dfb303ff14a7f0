using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastVcpu.Semantics;

/// <summary>The sign that a fused multiplication gives its product or its addend.</summary>
interface ISign
{
    static abstract bool IsNegative { get; }
}

readonly struct Plus : ISign
{
    public static bool IsNegative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }
}

readonly struct Minus : ISign
{
    public static bool IsNegative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }
}

/// <summary>± x · y ± z with one rounding.</summary>
/// <typeparam name="TProduct">Sign of the product.</typeparam>
/// <typeparam name="TAddend">Sign of the addend.</typeparam>
readonly struct Fused<TProduct, TAddend> : IFloatOperation where TProduct : struct, ISign where TAddend : struct, ISign
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged =>
        SoftFloat.FusedMultiplyAdd<T>(ref c, a, b, d, TProduct.IsNegative, TAddend.IsNegative);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        x ^= TProduct.IsNegative ? HostFloat.Of<T>(FloatFormat<T>.SignBit) : default;
        z ^= TAddend.IsNegative ? HostFloat.Of<T>(FloatFormat<T>.SignBit) : default;
        if (!HostFloat.IsPrecisionNoted(mxcsr))
        {
            // The operations by themselves are then certain only if they are exact, and rounding twice does not matter.
            bool isProductExact = default(FloatMultiply).TryHost(mxcsr, x, y, y, out Vector128<T> product);
            return default(FloatAdd).TryHost(mxcsr, product, z, z, out r) & isProductExact;
        }
        r = HostFloat.FusedMultiplyAdd(x, y, z);
        Vector128<T> doubt = HostFloat.IsDenormal(x) | HostFloat.IsDenormal(y) | HostFloat.IsDenormal(z) | ~HostFloat.IsFinite(r);
        // The smallest normal number may have been a tiny one before rounding, and zero an even smaller one.
        doubt |= HostFloat.IsSmall(r, 2 * FloatFormat<T>.MinNormal) | Vector128.AndNot(HostFloat.IsZero(r), HostFloat.IsZero(x) | HostFloat.IsZero(y));
        return HostFloat.IsCertain(mxcsr, doubt);
    }
}

// The numbers in the mnemonics say which operands are multiplied and which is added; NaNs are looked for in the same order.

/// <summary>x · z, then y.</summary>
readonly struct Order132<TOp> : IFloatOperation where TOp : struct, IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => default(TOp).Exact<T>(ref c, a, d, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged =>
        default(TOp).TryHost(mxcsr, x, z, y, out r);
}

/// <summary>y · x, then z.</summary>
readonly struct Order213<TOp> : IFloatOperation where TOp : struct, IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => default(TOp).Exact<T>(ref c, b, a, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged =>
        default(TOp).TryHost(mxcsr, y, x, z, out r);
}

/// <summary>y · z, then x.</summary>
readonly struct Order231<TOp> : IFloatOperation where TOp : struct, IFloatOperation
{
    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => default(TOp).Exact<T>(ref c, b, d, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged =>
        default(TOp).TryHost(mxcsr, y, z, x, out r);
}
