using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>Instructions that do one thing to elements 0, 2, 4 … and another to elements 1, 3, 5 …: both to all of them, and each result half used.</summary>
static unsafe class FloatAlternating
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TEven, TOdd, T, TFlavour>(CpuState* s, V128 a, V128 b, out V128 r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TEven, TOdd, T, V128, TFlavour>(s, a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TEven, TOdd, T, TFlavour>(CpuState* s, V256 a, V256 b, out V256 r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TEven, TOdd, T, V256, TFlavour>(s, a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TEven, TOdd, T, TFlavour>(CpuState* s, V128 a, V128 b, V128 c, out V128 r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TEven, TOdd, T, V128, TFlavour>(s, a, b, c, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TEven, TOdd, T, TFlavour>(CpuState* s, V256 a, V256 b, V256 c, out V256 r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TEven, TOdd, T, V256, TFlavour>(s, a, b, c, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Compute<TEven, TOdd, T, TVector, TFlavour>(CpuState* s, TVector a, TVector b, TVector c, out TVector r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TVector : unmanaged where TFlavour : struct, IFlavour
    {
        bool isCertain = TryHost<TEven, TOdd, T>(
            s->Mxcsr, HostFloat.Lower<TVector, T>(a), HostFloat.Lower<TVector, T>(b), HostFloat.Lower<TVector, T>(c), out Vector128<T> low);
        Vector128<T> high = default;
        if (typeof(TVector) == typeof(V256))
        {
            isCertain &= TryHost<TEven, TOdd, T>(
                s->Mxcsr, HostFloat.Upper<TVector, T>(a), HostFloat.Upper<TVector, T>(b), HostFloat.Upper<TVector, T>(c), out high);
        }
        r = HostFloat.Join<TVector, T>(low, high);
        if (isCertain || TFlavour.IsFast)
        {
            return isCertain;
        }
        r = Exact<TEven, TOdd, T, TVector>(s, a, b, c);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryHost<TEven, TOdd, T>(uint mxcsr, Vector128<T> a, Vector128<T> b, Vector128<T> c, out Vector128<T> r)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged
    {
        bool isCertain = default(TEven).TryHost(mxcsr, a, b, c, out Vector128<T> even) & default(TOdd).TryHost(mxcsr, a, b, c, out Vector128<T> odd);
        Vector128<T> isEven = typeof(T) == typeof(double) ? Vector128.Create(ulong.MaxValue, 0).As<ulong, T>() : Vector128.Create((ulong)uint.MaxValue).As<ulong, T>();
        r = Vector128.ConditionalSelect(isEven, even, odd);
        return isCertain;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<TEven, TOdd, T, TVector>(CpuState* s, TVector a, TVector b, TVector c)
        where TEven : struct, IFloatOperation where TOdd : struct, IFloatOperation where T : unmanaged where TVector : unmanaged
    {
        FloatContext context = new(s->Mxcsr);
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            ulong x = Element.Get<T>(&a, i), y = Element.Get<T>(&b, i), z = Element.Get<T>(&c, i);
            ulong value = (i & 1) == 0 ? default(TEven).Exact<T>(ref context, x, y, z) : default(TOdd).Exact<T>(ref context, x, y, z);
            Element.Set<T>(&result, i, value);
        }
        Mxcsr.Commit(s, context);
        return result;
    }
}
