using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>A conversion of one element. Integer types are <c>int</c> and <c>long</c>.</summary>
interface IFloatConversion
{
    static abstract ulong Exact<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged;
}

readonly struct FloatToFloat : IFloatConversion
{
    public static ulong Exact<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged => SoftFloat.Convert<TFrom, TTo>(ref c, a);
}

/// <summary>To a signed integer, rounded as MXCSR says.</summary>
readonly struct FloatToInteger : IFloatConversion
{
    public static ulong Exact<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged =>
        SoftFloat.ToInteger<TFrom>(ref c, a, Unsafe.SizeOf<TTo>() * 8);
}

/// <summary>To a signed integer, towards zero.</summary>
readonly struct FloatTruncate : IFloatConversion
{
    public static ulong Exact<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged
    {
        FloatContext truncating = c.With(RoundingMode.TowardZero);
        ulong result = SoftFloat.ToInteger<TFrom>(ref truncating, a, Unsafe.SizeOf<TTo>() * 8);
        c.Flags = truncating.Flags;
        return result;
    }
}

readonly struct IntegerToFloat : IFloatConversion
{
    public static ulong Exact<TFrom, TTo>(ref FloatContext c, ulong a) where TFrom : unmanaged where TTo : unmanaged
    {
        long value = Unsafe.SizeOf<TFrom>() == 4 ? (int)a : (long)a;
        return SoftFloat.FromInteger<TTo>(ref c, (ulong)(value < 0 ? -value : value), value < 0);
    }
}

/// <summary>Conversions between floating-point formats and to and from integers.</summary>
static unsafe class FloatConvert
{
    /// <summary>As many elements as both vectors hold; the rest of the result is zero.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static TOut Exact<TOp, TFrom, TTo, TIn, TOut>(CpuState* s, TIn a)
        where TOp : struct, IFloatConversion where TFrom : unmanaged where TTo : unmanaged where TIn : unmanaged where TOut : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        TOut result = default;
        for (int i = 0; i < Math.Min(sizeof(TIn) / sizeof(TFrom), sizeof(TOut) / sizeof(TTo)); i++)
        {
            Element.Set<TTo>(&result, i, TOp.Exact<TFrom, TTo>(ref c, Element.Get<TFrom>(&a, i)));
        }
        Mxcsr.Commit(s, c);
        return result;
    }

    /// <summary>CVTSI2SD: T is the integer's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToDouble<T>(CpuState* s, T a) where T : unmanaged
    {
        ulong value = Bits.Sign(a);
        return value + (1UL << 53) <= 1UL << 54 ? BitConverter.DoubleToUInt64Bits((long)value) : Exact<IntegerToFloat, long, double, ulong, ulong>(s, value);
    }

    /// <summary>CVTSI2SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToSingle<T>(CpuState* s, T a) where T : unmanaged
    {
        ulong value = Bits.Sign(a);
        return value + (1UL << 24) <= 1UL << 25 ? BitConverter.SingleToUInt32Bits((long)value) : Exact<IntegerToFloat, long, float, ulong, uint>(s, value);
    }

    /// <summary>CVTSD2SI: T is the integer's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ToInteger<T>(CpuState* s, ulong a) where T : unmanaged
    {
        double x = BitConverter.UInt64BitsToDouble(a);
        return TryInteger(s->Mxcsr, x, Math.Round(x), out T result) ? result : Exact<FloatToInteger, double, T, ulong, T>(s, a);
    }

    /// <summary>CVTSS2SI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ToInteger<T>(CpuState* s, uint a) where T : unmanaged
    {
        double x = BitConverter.UInt32BitsToSingle(a);
        return TryInteger(s->Mxcsr, x, Math.Round(x), out T result) ? result : Exact<FloatToInteger, float, T, uint, T>(s, a);
    }

    /// <summary>CVTTSD2SI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Truncate<T>(CpuState* s, ulong a) where T : unmanaged
    {
        double x = BitConverter.UInt64BitsToDouble(a);
        return TryInteger(s->Mxcsr, x, Math.Truncate(x), out T result) ? result : Exact<FloatTruncate, double, T, ulong, T>(s, a);
    }

    /// <summary>CVTTSS2SI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Truncate<T>(CpuState* s, uint a) where T : unmanaged
    {
        double x = BitConverter.UInt32BitsToSingle(a);
        return TryInteger(s->Mxcsr, x, Math.Truncate(x), out T result) ? result : Exact<FloatTruncate, float, T, uint, T>(s, a);
    }

    /// <summary>An integral value that fits, unless an exception would have to be noted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryInteger<T>(uint mxcsr, double value, double integral, out T result) where T : unmanaged
    {
        result = Bits.Truncate<T>((ulong)(long)integral);
        return Math.Abs(integral) < (Unsafe.SizeOf<T>() == 4 ? 1U << 31 : 1UL << 63) && HostFloat.IsUsable(mxcsr)
            && (value == integral || HostFloat.IsPrecisionNoted(mxcsr));
    }

    /// <summary>CVTSS2SD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToDoubleScalar(CpuState* s, uint a)
    {
        float x = BitConverter.UInt32BitsToSingle(a);
        return a + a - 1 >= 2 * (uint)FloatFormat<float>.MinNormal - 1 && !float.IsNaN(x)
            ? BitConverter.DoubleToUInt64Bits(x) : Exact<FloatToFloat, float, double, uint, ulong>(s, a);
    }

    /// <summary>CVTSD2SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToSingleScalar(CpuState* s, ulong a)
    {
        double x = BitConverter.UInt64BitsToDouble(a), magnitude = Math.Abs(x);
        float r = (float)x;
        // Away from both ends of the range of singles nothing but rounding can happen.
        bool certain = HostFloat.IsUsable(s->Mxcsr) && (magnitude >= 1e-37 && magnitude <= 1e38 || a << 1 == 0) && (r == x || HostFloat.IsPrecisionNoted(s->Mxcsr));
        return certain ? BitConverter.SingleToUInt32Bits(r) : Exact<FloatToFloat, double, float, ulong, uint>(s, a);
    }

    /// <summary>CVTPS2PD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SinglesToDoubles(CpuState* s, ulong a)
    {
        Vector128<float> x = Vector128.Create(a).AsSingle();
        return (HostFloat.IsSmall(x, FloatFormat<float>.MinNormal) | ~HostFloat.IsOrdered(x, x)).AsByte() == V128.Zero
            ? Vector128.WidenLower(x).AsByte() : Exact<FloatToFloat, float, double, ulong, V128>(s, a);
    }

    public static V256 SinglesToDoubles(CpuState* s, V128 a) => Exact<FloatToFloat, float, double, V128, V256>(s, a);

    /// <summary>CVTPD2PS.</summary>
    public static V128 DoublesToSingles(CpuState* s, V128 a) => Exact<FloatToFloat, double, float, V128, V128>(s, a);

    public static V128 DoublesToSingles(CpuState* s, V256 a) => Exact<FloatToFloat, double, float, V256, V128>(s, a);

    /// <summary>CVTDQ2PD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 IntegersToDoubles(ulong a) => Vector128.Create((double)(int)a, (int)(a >> 32)).AsByte();

    public static V256 IntegersToDoubles(V128 a) => Vector256.Create(IntegersToDoubles(Simd.Low(a)), IntegersToDoubles(Simd.High(a)));

    /// <summary>CVTDQ2PS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 IntegersToSingles(CpuState* s, V128 a)
    {
        bool exact = Vector128.LessThanAll(a.AsUInt32() + Vector128.Create(1U << 24), Vector128.Create(1U << 25));
        return exact || HostFloat.IsUsable(s->Mxcsr) && HostFloat.IsPrecisionNoted(s->Mxcsr)
            ? Vector128.ConvertToSingle(a.AsInt32()).AsByte() : Exact<IntegerToFloat, int, float, V128, V128>(s, a);
    }

    public static V256 IntegersToSingles(CpuState* s, V256 a) => Exact<IntegerToFloat, int, float, V256, V256>(s, a);

    /// <summary>CVTPS2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SinglesToIntegers(CpuState* s, V128 a) =>
        TryIntegers(s->Mxcsr, a.AsSingle(), Vector128.Round(a.AsSingle()), out V128 r) ? r : Exact<FloatToInteger, float, int, V128, V128>(s, a);

    public static V256 SinglesToIntegers(CpuState* s, V256 a) => Exact<FloatToInteger, float, int, V256, V256>(s, a);

    /// <summary>CVTTPS2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SinglesTruncate(CpuState* s, V128 a) =>
        TryIntegers(s->Mxcsr, a.AsSingle(), Vector128.Truncate(a.AsSingle()), out V128 r) ? r : Exact<FloatTruncate, float, int, V128, V128>(s, a);

    public static V256 SinglesTruncate(CpuState* s, V256 a) => Exact<FloatTruncate, float, int, V256, V256>(s, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryIntegers(uint mxcsr, Vector128<float> value, Vector128<float> integral, out V128 result)
    {
        result = Vector128.ConvertToInt32Native(integral).AsByte();
        return Vector128.LessThanAll(Vector128.Abs(integral), Vector128.Create((float)(1U << 31))) && HostFloat.IsUsable(mxcsr)
            && (HostFloat.IsPrecisionNoted(mxcsr) || Vector128.EqualsAll(value, integral));
    }

    /// <summary>CVTPD2DQ, CVTPD2PI.</summary>
    public static V128 DoublesToIntegers(CpuState* s, V128 a) => Exact<FloatToInteger, double, int, V128, V128>(s, a);

    public static V128 DoublesToIntegers(CpuState* s, V256 a) => Exact<FloatToInteger, double, int, V256, V128>(s, a);

    /// <summary>CVTTPD2DQ, CVTTPD2PI.</summary>
    public static V128 DoublesTruncate(CpuState* s, V128 a) => Exact<FloatTruncate, double, int, V128, V128>(s, a);

    public static V128 DoublesTruncate(CpuState* s, V256 a) => Exact<FloatTruncate, double, int, V256, V128>(s, a);

    /// <summary>CVTPI2PS.</summary>
    public static ulong MmxToSingles(CpuState* s, ulong a) => Exact<IntegerToFloat, int, float, ulong, ulong>(s, a);

    /// <summary>CVTPS2PI.</summary>
    public static ulong SinglesToMmx(CpuState* s, ulong a) => ToMmx<FloatToInteger, float, ulong>(s, a);

    /// <summary>CVTTPS2PI.</summary>
    public static ulong SinglesTruncateMmx(CpuState* s, ulong a) => ToMmx<FloatTruncate, float, ulong>(s, a);

    /// <summary>CVTPD2PI.</summary>
    public static ulong DoublesToMmx(CpuState* s, V128 a) => ToMmx<FloatToInteger, double, V128>(s, a);

    /// <summary>CVTTPD2PI.</summary>
    public static ulong DoublesTruncateMmx(CpuState* s, V128 a) => ToMmx<FloatTruncate, double, V128>(s, a);

    /// <summary>MMX state is entered even when the conversion then faults.</summary>
    static ulong ToMmx<TOp, TFrom, TIn>(CpuState* s, TIn a) where TOp : struct, IFloatConversion where TFrom : unmanaged where TIn : unmanaged
    {
        Mmx.Enter(s);
        return Exact<TOp, TFrom, int, TIn, ulong>(s, a);
    }
}
