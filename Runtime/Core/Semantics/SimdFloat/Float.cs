using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>A floating-point operation twice: on one element in <see cref="SoftFloat"/>, which is the truth, and on vectors of the host.</summary>
interface IFloatUnary
{
    static abstract ulong Exact<T>(ref FloatContext c, ulong a) where T : unmanaged;

    static abstract Vector128<T> Host<T>(Vector128<T> x) where T : unmanaged;

    /// <summary>The elements in which the host's result may have other bits than the exact one, or in which an exception other than precision is possible.</summary>
    /// <remarks>For operands that are neither denormal nor NaN, and rounding to nearest with all exceptions masked.</remarks>
    static abstract Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> result) where T : unmanaged;

    /// <summary>The elements whose result has not been rounded. Need not be right where there is <see cref="Doubt"/>.</summary>
    static abstract Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> result) where T : unmanaged;
}

/// <inheritdoc cref="IFloatUnary"/>
interface IFloatBinary
{
    static abstract ulong Exact<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged;

    static abstract Vector128<T> Host<T>(Vector128<T> x, Vector128<T> y) where T : unmanaged;

    /// <inheritdoc cref="IFloatUnary.Doubt"/>
    static abstract Vector128<T> Doubt<T>(Vector128<T> x, Vector128<T> y, Vector128<T> result) where T : unmanaged;

    /// <inheritdoc cref="IFloatUnary.IsExact"/>
    static abstract Vector128<T> IsExact<T>(Vector128<T> x, Vector128<T> y, Vector128<T> result) where T : unmanaged;
}

/// <summary>
/// Floating-point instructions of one element type: packed, and scalar ones as integers. The host's vector unit computes; when it is not certain
/// that the result and all flags are those of x86, the exact way follows.
/// </summary>
static unsafe class Float
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp, T>(CpuState* s, V128 a) where TOp : struct, IFloatUnary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, a, out V128 r) ? r : Exact<TOp, T, V128>(s, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp, T>(CpuState* s, V256 a) where TOp : struct, IFloatUnary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, a.GetLower(), out V128 low) & TryHost<TOp, T>(s->Mxcsr, a.GetUpper(), out V128 high)
            ? Vector256.Create(low, high) : Exact<TOp, T, V256>(s, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<TOp, T>(CpuState* s, ulong a) where TOp : struct, IFloatUnary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, Vector128.Create(a).AsByte(), out V128 r) ? Simd.Low(r) : Exact<TOp, T, ulong>(s, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Map<TOp, T>(CpuState* s, uint a) where TOp : struct, IFloatUnary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, Vector128.Create(a).AsByte(), out V128 r) ? (uint)Simd.Low(r) : Exact<TOp, T, uint>(s, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<TOp, T>(CpuState* s, V128 a, V128 b) where TOp : struct, IFloatBinary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, a, b, out V128 r) ? r : Exact<TOp, T, V128>(s, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<TOp, T>(CpuState* s, V256 a, V256 b) where TOp : struct, IFloatBinary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, a.GetLower(), b.GetLower(), out V128 low) & TryHost<TOp, T>(s->Mxcsr, a.GetUpper(), b.GetUpper(), out V128 high)
            ? Vector256.Create(low, high) : Exact<TOp, T, V256>(s, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<TOp, T>(CpuState* s, ulong a, ulong b) where TOp : struct, IFloatBinary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, Vector128.Create(a).AsByte(), Vector128.Create(b).AsByte(), out V128 r) ? Simd.Low(r) : Exact<TOp, T, ulong>(s, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Map<TOp, T>(CpuState* s, uint a, uint b) where TOp : struct, IFloatBinary where T : unmanaged =>
        TryHost<TOp, T>(s->Mxcsr, Vector128.Create(a).AsByte(), Vector128.Create(b).AsByte(), out V128 r) ? (uint)Simd.Low(r) : Exact<TOp, T, uint>(s, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryHost<TOp, T>(uint mxcsr, V128 a, out V128 result) where TOp : struct, IFloatUnary where T : unmanaged
    {
        Vector128<T> x = a.As<byte, T>(), r = TOp.Host(x);
        Vector128<T> doubt = HostFloat.IsSmall(x, FloatFormat<T>.MinNormal) | TOp.Doubt(x, r);
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~TOp.IsExact(x, r);
        result = r.AsByte();
        return HostFloat.IsUsable(mxcsr) & doubt.AsByte() == V128.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryHost<TOp, T>(uint mxcsr, V128 a, V128 b, out V128 result) where TOp : struct, IFloatBinary where T : unmanaged
    {
        Vector128<T> x = a.As<byte, T>(), y = b.As<byte, T>(), r = TOp.Host(x, y);
        Vector128<T> doubt = HostFloat.IsSmall(x, FloatFormat<T>.MinNormal) | HostFloat.IsSmall(y, FloatFormat<T>.MinNormal) | TOp.Doubt(x, y, r);
        doubt |= HostFloat.IsPrecisionNoted(mxcsr) ? ~HostFloat.IsFinite(r) : ~TOp.IsExact(x, y, r);
        result = r.AsByte();
        return HostFloat.IsUsable(mxcsr) & doubt.AsByte() == V128.Zero;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<TOp, T, TVector>(CpuState* s, TVector a) where TOp : struct, IFloatUnary where T : unmanaged where TVector : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            Element.Set<T>(&result, i, TOp.Exact<T>(ref c, Element.Get<T>(&a, i)));
        }
        Mxcsr.Commit(s, c);
        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<TOp, T, TVector>(CpuState* s, TVector a, TVector b) where TOp : struct, IFloatBinary where T : unmanaged where TVector : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            Element.Set<T>(&result, i, TOp.Exact<T>(ref c, Element.Get<T>(&a, i), Element.Get<T>(&b, i)));
        }
        Mxcsr.Commit(s, c);
        return result;
    }
}
