using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>Conversions from and to half precision (F16C).</summary>
static unsafe class HalfConvert
{
    const byte FromMxcsr = 4, ModeMask = 3;

    /// <summary>VCVTPH2PS. Denormal halves are ordinary numbers in singles: MXCSR.DAZ does not hold for them, and they are no exception.</summary>
    public static V128 ToSingles(CpuState* s, ulong a) => ToSingles<ulong, V128>(s, a);

    public static V256 ToSingles(CpuState* s, V128 a) => ToSingles<V128, V256>(s, a);

    /// <summary>VCVTPS2PH. MXCSR.FTZ does not hold for denormal halves.</summary>
    public static ulong FromSingles(CpuState* s, V128 a, byte control) => FromSingles<V128, ulong>(s, a, control);

    public static V128 FromSingles(CpuState* s, V256 a, byte control) => FromSingles<V256, V128>(s, a, control);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TOut ToSingles<TIn, TOut>(CpuState* s, TIn a) where TIn : unmanaged where TOut : unmanaged
    {
        FloatContext c = new(s->Mxcsr & ~FloatContext.DenormalsAreZeros);
        TOut result = default;
        for (int i = 0; i < sizeof(TIn) / sizeof(Half); i++)
        {
            Element.Set<float>(&result, i, SoftFloat.Convert<Half, float>(ref c, Element.Get<Half>(&a, i)));
        }
        c.Flags &= ~FloatContext.Denormal;
        Mxcsr.Commit(s, c);
        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TOut FromSingles<TIn, TOut>(CpuState* s, TIn a, byte control) where TIn : unmanaged where TOut : unmanaged
    {
        FloatContext c = new(s->Mxcsr & ~FloatContext.FlushToZero);
        if ((control & FromMxcsr) == 0)
        {
            c = c.With((RoundingMode)(control & ModeMask));
        }
        TOut result = default;
        for (int i = 0; i < sizeof(TIn) / sizeof(float); i++)
        {
            Element.Set<Half>(&result, i, SoftFloat.Convert<float, Half>(ref c, Element.Get<float>(&a, i)));
        }
        Mxcsr.Commit(s, c);
        return result;
    }
}
