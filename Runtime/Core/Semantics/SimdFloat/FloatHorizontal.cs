using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>Floating-point instructions that do not treat all elements alike.</summary>
static unsafe class FloatHorizontal
{
    /// <summary>HADDPS and its kin: an operation on neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, V128 b, out V128 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Float.Map<TOp, T, TFlavour>(s, Neighbours.Even<T>(a, b), Neighbours.Odd<T>(a, b), out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, V256 b, out V256 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour => Float.Map<TOp, T, TFlavour>(
        s,
        Vector256.Create(Neighbours.Even<T>(a.GetLower(), b.GetLower()), Neighbours.Even<T>(a.GetUpper(), b.GetUpper())),
        Vector256.Create(Neighbours.Odd<T>(a.GetLower(), b.GetLower()), Neighbours.Odd<T>(a.GetUpper(), b.GetUpper())),
        out r);

    /// <summary>
    /// DPPS, DPPD: the sum of the products that bits 4–7 choose, to the elements that bits 0–3 choose. The products, the sums of two and the sum of four are
    /// steps: exceptions that are not masked keep the next one from being taken.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DotProduct<T, TFlavour>(CpuState* s, V128 a, V128 b, byte chosen, out V128 r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        bool isCertain = TryDot<T>(s->Mxcsr, a, b, chosen, out r);
        if (isCertain || TFlavour.IsFast)
        {
            return isCertain;
        }
        r = ExactDot<T, V128>(s, a, b, chosen);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool DotProduct<T, TFlavour>(CpuState* s, V256 a, V256 b, byte chosen, out V256 r) where T : unmanaged where TFlavour : struct, IFlavour
    {
        bool isCertain = TryDot<T>(s->Mxcsr, a.GetLower(), b.GetLower(), chosen, out V128 low) & TryDot<T>(s->Mxcsr, a.GetUpper(), b.GetUpper(), chosen, out V128 high);
        r = Vector256.Create(low, high);
        if (isCertain || TFlavour.IsFast)
        {
            return isCertain;
        }
        r = ExactDot<T, V256>(s, a, b, chosen);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryDot<T>(uint mxcsr, V128 a, V128 b, byte chosen, out V128 r) where T : unmanaged
    {
        V128 multiplied = Chosen<T>(chosen >> 4);
        Vector128<T> x = (a & multiplied).As<byte, T>(), y = (b & multiplied).As<byte, T>();
        bool isCertain = default(FloatMultiply).TryHost(mxcsr, x, y, y, out Vector128<T> sum);
        if (typeof(T) == typeof(float))
        {
            Vector128<T> pair = Vector128.Shuffle(sum.AsUInt32(), Vector128.Create(1u, 0, 3, 2)).As<uint, T>();
            isCertain &= default(FloatAdd).TryHost(mxcsr, sum, pair, pair, out sum);
        }
        Vector128<T> other = Vector128.Shuffle(sum.AsUInt64(), Vector128.Create(1ul, 0)).As<ulong, T>();
        isCertain &= default(FloatAdd).TryHost(mxcsr, sum, other, other, out sum);
        r = sum.AsByte() & Chosen<T>(chosen);
        return isCertain;
    }

    /// <summary>The elements whose bits are set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 Chosen<T>(int bits) where T : unmanaged
    {
        Vector128<uint> place = typeof(T) == typeof(double) ? Vector128.Create(1u, 1, 2, 2) : Vector128.Create(1u, 2, 4, 8);
        return Vector128.Equals(Vector128.Create((uint)bits) & place, place).AsByte();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector ExactDot<T, TVector>(CpuState* s, TVector a, TVector b, byte chosen) where T : unmanaged where TVector : unmanaged
    {
        int count = sizeof(TVector) / sizeof(T), lane = sizeof(V128) / sizeof(T);
        ulong* values = stackalloc ulong[count];
        FloatContext c = new(s->Mxcsr);
        for (int i = 0; i < count; i++)
        {
            bool isChosen = (chosen >> 4 + i % lane & 1) != 0;
            values[i] = isChosen ? SoftFloat.Multiply<T>(ref c, Element.Get<T>(&a, i), Element.Get<T>(&b, i)) : 0;
        }
        Mxcsr.Commit(s, c);
        for (int distance = 1; distance < lane && s->Fault == FaultCode.None; distance *= 2)
        {
            c = new FloatContext(s->Mxcsr);
            for (int i = 0; i < count; i += 2 * distance)
            {
                values[i] = SoftFloat.Add<T>(ref c, values[i], values[i + distance]);
            }
            Mxcsr.Commit(s, c);
        }
        TVector result = default;
        for (int i = 0; i < count; i++)
        {
            if ((chosen >> i % lane & 1) != 0) Element.Set<T>(&result, i, values[i - i % lane]);
        }
        return result;
    }
}
