using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>ROUNDPS and its kin: to integral values, as the immediate says.</summary>
static unsafe class FloatRound
{
    /// <summary>Immediate bits: rounding mode; take it from MXCSR instead; no precision exception.</summary>
    const int ModeMask = 3, FromMxcsr = 4, Quiet = 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Map<T>(CpuState* s, V128 a, byte control) where T : unmanaged =>
        TryHost<T>(s->Mxcsr, a, control, out V128 r) ? r : Exact<T, V128>(s, a, control);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Map<T>(CpuState* s, V256 a, byte control) where T : unmanaged =>
        TryHost<T>(s->Mxcsr, a.GetLower(), control, out V128 low) & TryHost<T>(s->Mxcsr, a.GetUpper(), control, out V128 high)
            ? Vector256.Create(low, high) : Exact<T, V256>(s, a, control);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Map<T>(CpuState* s, ulong a, byte control) where T : unmanaged =>
        TryHost<T>(s->Mxcsr, Vector128.Create(a).AsByte(), control, out V128 r) ? Simd.Low(r) : Exact<T, ulong>(s, a, control);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Map<T>(CpuState* s, uint a, byte control) where T : unmanaged =>
        TryHost<T>(s->Mxcsr, Vector128.Create(a).AsByte(), control, out V128 r) ? (uint)Simd.Low(r) : Exact<T, uint>(s, a, control);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryHost<T>(uint mxcsr, V128 a, byte control, out V128 result) where T : unmanaged
    {
        Vector128<T> x = a.As<byte, T>();
        RoundingMode mode = (RoundingMode)((control & FromMxcsr) != 0 ? mxcsr >> FloatContext.RoundingShift & ModeMask : (uint)control & ModeMask);
        Vector128<T> r = typeof(T) == typeof(double) ? Host(x.AsDouble(), mode).As<double, T>() : Host(x.AsSingle(), mode).As<float, T>();
        bool unobserved = (control & Quiet) != 0 || HostFloat.IsPrecisionNoted(mxcsr) && HostFloat.IsUsable(mxcsr);
        Vector128<T> doubt = HostFloat.IsSmall(x, FloatFormat<T>.MinNormal) | ~Vector128.Equals(x, unobserved ? x : r);
        result = r.AsByte();
        return doubt.AsByte() == V128.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<double> Host(Vector128<double> x, RoundingMode mode) => mode switch
    {
        RoundingMode.Nearest => Vector128.Round(x),
        RoundingMode.Down => Vector128.Floor(x),
        RoundingMode.Up => Vector128.Ceiling(x),
        _ => Vector128.Truncate(x),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Host(Vector128<float> x, RoundingMode mode) => mode switch
    {
        RoundingMode.Nearest => Vector128.Round(x),
        RoundingMode.Down => Vector128.Floor(x),
        RoundingMode.Up => Vector128.Ceiling(x),
        _ => Vector128.Truncate(x),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<T, TVector>(CpuState* s, TVector a, byte control) where T : unmanaged where TVector : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        if ((control & FromMxcsr) == 0) c = c.With((RoundingMode)(control & ModeMask));
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            Element.Set<T>(&result, i, SoftFloat.RoundToIntegral<T>(ref c, Element.Get<T>(&a, i)));
        }
        if ((control & Quiet) != 0) c.Flags &= ~FloatContext.Precision;
        Mxcsr.Commit(s, c);
        return result;
    }
}
