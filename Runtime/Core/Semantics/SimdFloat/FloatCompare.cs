using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The outcomes for which a predicate of CMPPS and its kin is true (SDM Vol. 2 table 3-1).</summary>
readonly struct FloatPredicate(byte number)
{
    /// <summary>Four bits for each of the predicates 0–15. 16–31 repeat them.</summary>
    const ulong True = 0xF4650B9A7CED8312;

    /// <summary>The predicates that are signaling: invalid for quiet NaNs too. The upper sixteen are the lower ones turned round.</summary>
    const uint Signaling = 0x99996666;

    public FloatOrder Outcomes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (FloatOrder)(True >> ((number & 15) << 2) & 15);
    }

    public bool IsSignaling => (Signaling >> (number & 31) & 1) != 0;
}

/// <summary>CMPPS and its kin with the 32 predicates of AVX: ones where the predicate holds.</summary>
readonly struct FloatCompareAll(byte number) : IFloatImmediate<FloatCompareAll>
{
    readonly FloatPredicate predicate = new(number);

    public static FloatCompareAll From(byte immediate) => new(immediate);

    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged =>
        (SoftFloat.Compare<T>(ref c, a, b, predicate.IsSignaling) & predicate.Outcomes) != 0 ? ulong.MaxValue : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged
    {
        uint outcomes = (uint)predicate.Outcomes;
        r = Vector128.LessThan(x, y) & Chosen<T>(outcomes) | Vector128.Equals(x, y) & Chosen<T>(outcomes >> 1) | Vector128.GreaterThan(x, y) & Chosen<T>(outcomes >> 2);
        return HostFloat.IsPlain(x, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<T> Chosen<T>(uint outcomes) where T : unmanaged => Vector128.Create(0 - (outcomes & 1)).As<uint, T>();
}

/// <summary>The same with the eight predicates of SSE.</summary>
readonly struct FloatCompareFirst(byte number) : IFloatImmediate<FloatCompareFirst>
{
    readonly FloatCompareAll all = new((byte)(number & 7));

    public static FloatCompareFirst From(byte immediate) => new(immediate);

    public ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged => all.Exact<T>(ref c, a, b, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged =>
        all.TryHost(mxcsr, x, y, z, out r);
}

/// <summary>Comparisons that give flags.</summary>
static unsafe class FloatFlags
{
    /// <summary>COMISD, UCOMISD: ZF PF CF = 000 greater, 001 less, 100 equal, 111 unordered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Compare<TFlavour>(CpuState* s, ref Flags f, bool signaling, ulong a, ulong b) where TFlavour : struct, IFlavour
    {
        double x = BitConverter.UInt64BitsToDouble(a), y = BitConverter.UInt64BitsToDouble(b);
        bool isCertain = !IsDenormal(a) & !IsDenormal(b) & !double.IsNaN(x) & !double.IsNaN(y);
        return TrySet<double, TFlavour>(s, ref f, signaling, a, b, isCertain, HostOrder(x < y, x == y));
    }

    /// <summary>COMISS, UCOMISS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Compare<TFlavour>(CpuState* s, ref Flags f, bool signaling, uint a, uint b) where TFlavour : struct, IFlavour
    {
        float x = BitConverter.UInt32BitsToSingle(a), y = BitConverter.UInt32BitsToSingle(b);
        bool isCertain = !IsDenormal(a) & !IsDenormal(b) & !float.IsNaN(x) & !float.IsNaN(y);
        return TrySet<float, TFlavour>(s, ref f, signaling, a, b, isCertain, HostOrder(x < y, x == y));
    }

    /// <summary>As <see cref="HostFloat.IsDenormal"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsDenormal(ulong a) => a + a - 1 < 2 * FloatFormat<double>.MinNormal - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsDenormal(uint a) => a + a - 1 < 2 * (uint)FloatFormat<float>.MinNormal - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TrySet<T, TFlavour>(CpuState* s, ref Flags f, bool signaling, ulong a, ulong b, bool isCertain, FloatOrder order)
        where T : unmanaged where TFlavour : struct, IFlavour
    {
        if (!isCertain)
        {
            if (TFlavour.IsFast) return false;
            order = Exact<T>(s, a, b, signaling);
        }
        Set(ref f, order);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FloatOrder HostOrder(bool less, bool equal) => less ? FloatOrder.Less : equal ? FloatOrder.Equal : FloatOrder.Greater;

    [MethodImpl(MethodImplOptions.NoInlining)]
    static FloatOrder Exact<T>(CpuState* s, ulong a, ulong b, bool signaling) where T : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        FloatOrder order = SoftFloat.Compare<T>(ref c, a, b, signaling);
        Mxcsr.Commit(s, c);
        return order;
    }

    /// <summary>States the outcome of a comparison in ZF, PF and CF; OF, SF and AF become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(ref Flags f, FloatOrder order)
    {
        bool isNotEqual = (order & (FloatOrder.Less | FloatOrder.Greater)) != 0;
        f.Set<byte>(isNotEqual ? (byte)1 : (byte)0, (order & (FloatOrder.Less | FloatOrder.Unordered)) != 0, false, false);
        f.PF = order == FloatOrder.Unordered;
    }
}
