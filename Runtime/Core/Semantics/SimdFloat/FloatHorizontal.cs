using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
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

    /// <summary>DPPS, DPPD: the sum of the products that bits 4–7 choose, to the elements that bits 0–3 choose.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 DotProduct<T>(CpuState* s, V128 a, V128 b, byte chosen) where T : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        V128 result = Dot<T>(ref c, a, b, chosen);
        Mxcsr.Commit(s, c);
        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V256 DotProduct<T>(CpuState* s, V256 a, V256 b, byte chosen) where T : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        V256 result = Vector256.Create(Dot<T>(ref c, a.GetLower(), b.GetLower(), chosen), Dot<T>(ref c, a.GetUpper(), b.GetUpper(), chosen));
        Mxcsr.Commit(s, c);
        return result;
    }

    static V128 Dot<T>(ref FloatContext c, V128 a, V128 b, byte chosen) where T : unmanaged
    {
        int count = sizeof(V128) / sizeof(T);
        ulong* products = stackalloc ulong[4];
        for (int i = 0; i < count; i++)
        {
            products[i] = (chosen >> 4 + i & 1) != 0 ? SoftFloat.Multiply<T>(ref c, Element.Get<T>(&a, i), Element.Get<T>(&b, i)) : 0;
        }
        ulong sum = SoftFloat.Add<T>(ref c, products[0], products[1]);
        if (count == 4) sum = SoftFloat.Add<T>(ref c, sum, SoftFloat.Add<T>(ref c, products[2], products[3]));
        V128 result = default;
        for (int i = 0; i < count; i++)
        {
            if ((chosen >> i & 1) != 0) Element.Set<T>(&result, i, sum);
        }
        return result;
    }
}
