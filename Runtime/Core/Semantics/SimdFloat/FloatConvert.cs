using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.Faults;
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

    /// <summary>Takes the host's result when it is certain; otherwise the careful flavour computes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Finish<TOp, TFrom, TTo, TIn, TOut, TFlavour>(CpuState* s, TIn a, bool isCertain, TOut host, out TOut r)
        where TOp : struct, IFloatConversion where TFrom : unmanaged where TTo : unmanaged where TIn : unmanaged where TOut : unmanaged
        where TFlavour : struct, IFlavour
    {
        r = host;
        if (isCertain || TFlavour.IsFast)
        {
            return isCertain;
        }
        r = Exact<TOp, TFrom, TTo, TIn, TOut>(s, a);
        return true;
    }

    /// <summary>CVTSI2SD: T is the integer's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToDouble<T, TFlavour>(CpuState* s, T a, out ulong r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        ulong value = Bits.Sign(a);
        bool isCertain = value + (1UL << 53) <= 1UL << 54;
        return Finish<IntegerToFloat, long, double, ulong, ulong, TFlavour>(s, value, isCertain, BitConverter.DoubleToUInt64Bits((long)value), out r);
    }

    /// <summary>CVTSI2SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToSingle<T, TFlavour>(CpuState* s, T a, out uint r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        ulong value = Bits.Sign(a);
        bool isCertain = value + (1UL << 24) <= 1UL << 25;
        return Finish<IntegerToFloat, long, float, ulong, uint, TFlavour>(s, value, isCertain, BitConverter.SingleToUInt32Bits((long)value), out r);
    }

    /// <summary>CVTSD2SI: T is the integer's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToInteger<T, TFlavour>(CpuState* s, ulong a, out T r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt64BitsToDouble(a), integral = Math.Round(x);
        return Finish<FloatToInteger, double, T, ulong, T, TFlavour>(s, a, IsInteger<T>(s->Mxcsr, x, integral), Integer<T>(integral), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToInteger<T, TFlavour>(CpuState* s, uint a, out T r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt32BitsToSingle(a), integral = Math.Round(x);
        return Finish<FloatToInteger, float, T, uint, T, TFlavour>(s, a, IsInteger<T>(s->Mxcsr, x, integral), Integer<T>(integral), out r);
    }

    /// <summary>CVTTSD2SI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Truncate<T, TFlavour>(CpuState* s, ulong a, out T r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt64BitsToDouble(a), integral = Math.Truncate(x);
        return Finish<FloatTruncate, double, T, ulong, T, TFlavour>(s, a, IsInteger<T>(s->Mxcsr, x, integral), Integer<T>(integral), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Truncate<T, TFlavour>(CpuState* s, uint a, out T r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt32BitsToSingle(a), integral = Math.Truncate(x);
        return Finish<FloatTruncate, float, T, uint, T, TFlavour>(s, a, IsInteger<T>(s->Mxcsr, x, integral), Integer<T>(integral), out r);
    }

    /// <summary>An integral value fits, and no exception has to be noted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsInteger<T>(uint mxcsr, double value, double integral) where T : unmanaged =>
        Math.Abs(integral) < (Unsafe.SizeOf<T>() == 4 ? 1U << 31 : 1UL << 63) && HostFloat.IsUsable(mxcsr)
            && (value == integral || HostFloat.IsPrecisionNoted(mxcsr));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Integer<T>(double integral) where T : unmanaged => Bits.Truncate<T>((ulong)(long)integral);

    /// <summary>CVTSS2SD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToDoubleScalar<TFlavour>(CpuState* s, uint a, out ulong r) where TFlavour : struct, IFlavour
    {
        float x = BitConverter.UInt32BitsToSingle(a);
        bool isCertain = !FloatFlags.IsDenormal(a) && !float.IsNaN(x);
        return Finish<FloatToFloat, float, double, uint, ulong, TFlavour>(s, a, isCertain, BitConverter.DoubleToUInt64Bits(x), out r);
    }

    /// <summary>CVTSD2SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ToSingleScalar<TFlavour>(CpuState* s, ulong a, out uint r) where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt64BitsToDouble(a), magnitude = Math.Abs(x);
        float host = (float)x;
        // Away from both ends of the range of singles nothing but rounding can happen.
        bool isCertain = HostFloat.IsUsable(s->Mxcsr) && ((magnitude >= 1e-37 && magnitude <= 1e38) || magnitude == 0)
            && (host == x || HostFloat.IsPrecisionNoted(s->Mxcsr));
        return Finish<FloatToFloat, double, float, ulong, uint, TFlavour>(s, a, isCertain, BitConverter.SingleToUInt32Bits(host), out r);
    }

    /// <summary>CVTPS2PD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesToDoubles<TFlavour>(CpuState* s, ulong a, out V128 r) where TFlavour : struct, IFlavour
    {
        Vector128<float> x = Vector128.Create(a).AsSingle();
        return Finish<FloatToFloat, float, double, ulong, V128, TFlavour>(s, a, HostFloat.IsPlain(x, x), Vector128.WidenLower(x).AsByte(), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesToDoubles<TFlavour>(CpuState* s, V128 a, out V256 r) where TFlavour : struct, IFlavour
    {
        Vector128<float> x = a.AsSingle();
        V256 host = Vector256.Create(Vector128.WidenLower(x), Vector128.WidenUpper(x)).AsByte();
        return Finish<FloatToFloat, float, double, V128, V256, TFlavour>(s, a, HostFloat.IsPlain(x, x), host, out r);
    }

    /// <summary>CVTPD2PS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesToSingles<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour =>
        Finish<FloatToFloat, double, float, V128, V128, TFlavour>(s, a, TrySingles(s->Mxcsr, a.AsDouble(), default, out V128 host), host, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesToSingles<TFlavour>(CpuState* s, V256 a, out V128 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TrySingles(s->Mxcsr, a.GetLower().AsDouble(), a.GetUpper().AsDouble(), out V128 host);
        return Finish<FloatToFloat, double, float, V256, V128, TFlavour>(s, a, isCertain, host, out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TrySingles(uint mxcsr, Vector128<double> low, Vector128<double> high, out V128 r)
    {
        Vector128<float> host = Vector128.Narrow(low, high);
        r = host.AsByte();
        return HostFloat.IsUsable(mxcsr) && IsMiddle(low) && IsMiddle(high)
            && (HostFloat.IsPrecisionNoted(mxcsr) || (Vector128.WidenLower(host) == low && Vector128.WidenUpper(host) == high));
    }

    /// <summary>Away from both ends of the range of singles, or zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsMiddle(Vector128<double> x)
    {
        Vector128<double> magnitude = Vector128.Abs(x);
        Vector128<double> isMiddle = Vector128.GreaterThan(magnitude, Vector128.Create(1e-37)) & Vector128.LessThan(magnitude, Vector128.Create(1e38));
        return (isMiddle | HostFloat.IsZero(x)).AsUInt64() == Vector128<ulong>.AllBitsSet;
    }

    /// <summary>CVTDQ2PD, CVTPI2PD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 IntegersToDoubles(ulong a) => Vector128.Create((double)(int)a, (int)(a >> 32)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 IntegersToDoubles(V128 a) => Vector256.Create(IntegersToDoubles(Simd.Low(a)), IntegersToDoubles(Simd.High(a)));

    /// <summary>CVTDQ2PS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IntegersToSingles<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour =>
        Finish<IntegerToFloat, int, float, V128, V128, TFlavour>(s, a, IsSingles(s->Mxcsr, a), Vector128.ConvertToSingle(a.AsInt32()).AsByte(), out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IntegersToSingles<TFlavour>(CpuState* s, V256 a, out V256 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = IsSingles(s->Mxcsr, a.GetLower()) && IsSingles(s->Mxcsr, a.GetUpper());
        return Finish<IntegerToFloat, int, float, V256, V256, TFlavour>(s, a, isCertain, Vector256.ConvertToSingle(a.AsInt32()).AsByte(), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsSingles(uint mxcsr, V128 a) => (HostFloat.IsUsable(mxcsr) && HostFloat.IsPrecisionNoted(mxcsr))
        || Vector128.LessThanAll(a.AsUInt32() + Vector128.Create(1U << 24), Vector128.Create(1U << 25));

    /// <summary>CVTPS2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesToIntegers<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsSingle(), Vector128.Round(a.AsSingle()), out V128 host);
        return Finish<FloatToInteger, float, int, V128, V128, TFlavour>(s, a, isCertain, host, out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesToIntegers<TFlavour>(CpuState* s, V256 a, out V256 r) where TFlavour : struct, IFlavour
    {
        Vector128<float> low = a.GetLower().AsSingle(), high = a.GetUpper().AsSingle();
        bool isCertain = TryIntegers(s->Mxcsr, low, Vector128.Round(low), out V128 hostLow) & TryIntegers(s->Mxcsr, high, Vector128.Round(high), out V128 hostHigh);
        return Finish<FloatToInteger, float, int, V256, V256, TFlavour>(s, a, isCertain, Vector256.Create(hostLow, hostHigh), out r);
    }

    /// <summary>CVTTPS2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesTruncate<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsSingle(), Vector128.Truncate(a.AsSingle()), out V128 host);
        return Finish<FloatTruncate, float, int, V128, V128, TFlavour>(s, a, isCertain, host, out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesTruncate<TFlavour>(CpuState* s, V256 a, out V256 r) where TFlavour : struct, IFlavour
    {
        Vector128<float> low = a.GetLower().AsSingle(), high = a.GetUpper().AsSingle();
        bool isCertain = TryIntegers(s->Mxcsr, low, Vector128.Truncate(low), out V128 hostLow) & TryIntegers(s->Mxcsr, high, Vector128.Truncate(high), out V128 hostHigh);
        return Finish<FloatTruncate, float, int, V256, V256, TFlavour>(s, a, isCertain, Vector256.Create(hostLow, hostHigh), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryIntegers(uint mxcsr, Vector128<float> value, Vector128<float> integral, out V128 result)
    {
        result = Vector128.ConvertToInt32Native(integral).AsByte();
        return Vector128.LessThanAll(Vector128.Abs(integral), Vector128.Create((float)(1U << 31))) && HostFloat.IsUsable(mxcsr)
            && (HostFloat.IsPrecisionNoted(mxcsr) || Vector128.EqualsAll(value, integral));
    }

    /// <summary>CVTPD2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesToIntegers<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsDouble(), Vector128.Round(a.AsDouble()), out ulong host);
        return Finish<FloatToInteger, double, int, V128, V128, TFlavour>(s, a, isCertain, Simd.Extend(host), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesToIntegers<TFlavour>(CpuState* s, V256 a, out V128 r) where TFlavour : struct, IFlavour
    {
        Vector128<double> low = a.GetLower().AsDouble(), high = a.GetUpper().AsDouble();
        bool isCertain = TryIntegers(s->Mxcsr, low, Vector128.Round(low), out ulong hostLow) & TryIntegers(s->Mxcsr, high, Vector128.Round(high), out ulong hostHigh);
        return Finish<FloatToInteger, double, int, V256, V128, TFlavour>(s, a, isCertain, Vector128.Create(hostLow, hostHigh).AsByte(), out r);
    }

    /// <summary>CVTTPD2DQ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesTruncate<TFlavour>(CpuState* s, V128 a, out V128 r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsDouble(), Vector128.Truncate(a.AsDouble()), out ulong host);
        return Finish<FloatTruncate, double, int, V128, V128, TFlavour>(s, a, isCertain, Simd.Extend(host), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesTruncate<TFlavour>(CpuState* s, V256 a, out V128 r) where TFlavour : struct, IFlavour
    {
        Vector128<double> low = a.GetLower().AsDouble(), high = a.GetUpper().AsDouble();
        bool isCertain = TryIntegers(s->Mxcsr, low, Vector128.Truncate(low), out ulong hostLow) & TryIntegers(s->Mxcsr, high, Vector128.Truncate(high), out ulong hostHigh);
        return Finish<FloatTruncate, double, int, V256, V128, TFlavour>(s, a, isCertain, Vector128.Create(hostLow, hostHigh).AsByte(), out r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryIntegers(uint mxcsr, Vector128<double> value, Vector128<double> integral, out ulong result)
    {
        // Added to a number whose last bit counts ones, an integer is the low half of the sum.
        const double Ones = 3UL << 51;
        Vector128<uint> sum = (integral + Vector128.Create(Ones)).AsUInt32();
        result = sum.ToScalar() | (ulong)sum.GetElement(2) << 32;
        return Vector128.LessThanAll(Vector128.Abs(integral), Vector128.Create((double)(1U << 31))) && HostFloat.IsUsable(mxcsr)
            && (HostFloat.IsPrecisionNoted(mxcsr) || Vector128.EqualsAll(value, integral));
    }

    /// <summary>CVTPI2PS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MmxToSingles<TFlavour>(CpuState* s, ulong a, out ulong r) where TFlavour : struct, IFlavour
    {
        V128 both = Vector128.Create(a).AsByte();
        ulong host = Simd.Low(Vector128.ConvertToSingle(both.AsInt32()).AsByte());
        return Finish<IntegerToFloat, int, float, ulong, ulong, TFlavour>(s, a, IsSingles(s->Mxcsr, both), host, out r);
    }

    /// <summary>CVTPI2PS of a register: MMX state is entered also when an exception is reported (measured).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MmxRegisterToSingles<TFlavour>(CpuState* s, ulong a, out ulong r) where TFlavour : struct, IFlavour
    {
        bool isCertain = MmxToSingles<TFlavour>(s, a, out r);
        if (!TFlavour.IsFast && s->Fault != FaultCode.None)
        {
            Mmx.Enter(s);
        }
        return isCertain;
    }

    /// <summary>CVTPS2PI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesToMmx<TFlavour>(CpuState* s, ulong a, out ulong r) where TFlavour : struct, IFlavour
    {
        Vector128<float> both = Vector128.Create(a).AsSingle();
        bool isCertain = TryIntegers(s->Mxcsr, both, Vector128.Round(both), out V128 host);
        return FinishMmx<FloatToInteger, float, ulong, TFlavour>(s, a, isCertain, Simd.Low(host), out r);
    }

    /// <summary>CVTTPS2PI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SinglesTruncateMmx<TFlavour>(CpuState* s, ulong a, out ulong r) where TFlavour : struct, IFlavour
    {
        Vector128<float> both = Vector128.Create(a).AsSingle();
        bool isCertain = TryIntegers(s->Mxcsr, both, Vector128.Truncate(both), out V128 host);
        return FinishMmx<FloatTruncate, float, ulong, TFlavour>(s, a, isCertain, Simd.Low(host), out r);
    }

    /// <summary>CVTPD2PI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesToMmx<TFlavour>(CpuState* s, V128 a, out ulong r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsDouble(), Vector128.Round(a.AsDouble()), out ulong host);
        return FinishMmx<FloatToInteger, double, V128, TFlavour>(s, a, isCertain, host, out r);
    }

    /// <summary>CVTTPD2PI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DoublesTruncateMmx<TFlavour>(CpuState* s, V128 a, out ulong r) where TFlavour : struct, IFlavour
    {
        bool isCertain = TryIntegers(s->Mxcsr, a.AsDouble(), Vector128.Truncate(a.AsDouble()), out ulong host);
        return FinishMmx<FloatTruncate, double, V128, TFlavour>(s, a, isCertain, host, out r);
    }

    /// <summary>MMX state is entered even when the conversion then faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool FinishMmx<TOp, TFrom, TIn, TFlavour>(CpuState* s, TIn a, bool isCertain, ulong host, out ulong r)
        where TOp : struct, IFloatConversion where TFrom : unmanaged where TIn : unmanaged where TFlavour : struct, IFlavour
    {
        if (!TFlavour.IsFast)
        {
            Mmx.Enter(s);
        }
        return Finish<TOp, TFrom, int, TIn, ulong, TFlavour>(s, a, isCertain, host, out r);
    }
}
