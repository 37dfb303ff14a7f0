using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>Comparisons that give masks (CMPPS and its kin) or flags (COMISS and its kin).</summary>
static unsafe class FloatCompare
{
    /// <summary>The outcomes for which a predicate is true, four bits for each of the predicates 0–15 (SDM Vol. 2 table 3-1). 16–31 repeat them.</summary>
    const ulong TruePredicates = 0xF4650B9A7CED8312;

    /// <summary>The predicates that are signaling: invalid for quiet NaNs too. The upper sixteen are the lower ones turned round.</summary>
    const uint SignalingPredicates = 0x99996666;

    /// <summary>CMPPS: ones where the predicate holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Mask<T>(CpuState* s, V128 a, V128 b, byte predicate) where T : unmanaged =>
        TryHost<T>(a, b, predicate, out V128 r) ? r : Exact<T, V128>(s, a, b, predicate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Mask<T>(CpuState* s, V256 a, V256 b, byte predicate) where T : unmanaged =>
        TryHost<T>(a.GetLower(), b.GetLower(), predicate, out V128 low) & TryHost<T>(a.GetUpper(), b.GetUpper(), predicate, out V128 high)
            ? Vector256.Create(low, high) : Exact<T, V256>(s, a, b, predicate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mask<T>(CpuState* s, ulong a, ulong b, byte predicate) where T : unmanaged =>
        TryHost<T>(Vector128.Create(a).AsByte(), Vector128.Create(b).AsByte(), predicate, out V128 r) ? Simd.Low(r) : Exact<T, ulong>(s, a, b, predicate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Mask<T>(CpuState* s, uint a, uint b, byte predicate) where T : unmanaged =>
        TryHost<T>(Vector128.Create(a).AsByte(), Vector128.Create(b).AsByte(), predicate, out V128 r) ? (uint)Simd.Low(r) : Exact<T, uint>(s, a, b, predicate);

    /// <summary>The predicates before AVX: eight of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Legacy<T>(CpuState* s, V128 a, V128 b, byte predicate) where T : unmanaged => Mask<T>(s, a, b, (byte)(predicate & 7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Legacy<T>(CpuState* s, ulong a, ulong b, byte predicate) where T : unmanaged => Mask<T>(s, a, b, (byte)(predicate & 7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Legacy<T>(CpuState* s, uint a, uint b, byte predicate) where T : unmanaged => Mask<T>(s, a, b, (byte)(predicate & 7));

    /// <summary>Without NaNs and denormals nothing can be raised, and MXCSR does not matter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryHost<T>(V128 a, V128 b, byte predicate, out V128 result) where T : unmanaged
    {
        Vector128<T> x = a.As<byte, T>(), y = b.As<byte, T>();
        Vector128<T> doubt = HostFloat.IsSmall(x, FloatFormat<T>.MinNormal) | HostFloat.IsSmall(y, FloatFormat<T>.MinNormal) | ~HostFloat.IsOrdered(x, y);
        uint outcomes = (uint)Outcomes(predicate);
        result = Vector128.LessThan(x, y).AsByte() & Chosen(outcomes)
            | Vector128.Equals(x, y).AsByte() & Chosen(outcomes >> 1)
            | Vector128.GreaterThan(x, y).AsByte() & Chosen(outcomes >> 2);
        return doubt.AsByte() == V128.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V128 Chosen(uint outcomes) => Vector128.Create(0 - (outcomes & 1)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FloatOrder Outcomes(byte predicate) => (FloatOrder)(TruePredicates >> ((predicate & 15) << 2) & 15);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<T, TVector>(CpuState* s, TVector a, TVector b, byte predicate) where T : unmanaged where TVector : unmanaged
    {
        FloatContext c = new(s->Mxcsr);
        bool signaling = (SignalingPredicates >> (predicate & 31) & 1) != 0;
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            FloatOrder order = SoftFloat.Compare<T>(ref c, Element.Get<T>(&a, i), Element.Get<T>(&b, i), signaling);
            Element.Set<T>(&result, i, (order & Outcomes(predicate)) != 0 ? ulong.MaxValue : 0);
        }
        Mxcsr.Commit(s, c);
        return result;
    }

    /// <summary>COMISD, UCOMISD: ZF PF CF = 000 greater, 001 less, 100 equal, 111 unordered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Flags(CpuState* s, ref Flags f, bool signaling, ulong a, ulong b)
    {
        double x = BitConverter.UInt64BitsToDouble(a), y = BitConverter.UInt64BitsToDouble(b);
        bool certain = a + a - 1 >= 2 * FloatFormat<double>.MinNormal - 1 & b + b - 1 >= 2 * FloatFormat<double>.MinNormal - 1 & !double.IsNaN(x) & !double.IsNaN(y);
        SetFlags(ref f, certain ? HostOrder(x < y, x == y) : Exact<double>(s, a, b, signaling));
    }

    /// <summary>COMISS, UCOMISS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Flags(CpuState* s, ref Flags f, bool signaling, uint a, uint b)
    {
        float x = BitConverter.UInt32BitsToSingle(a), y = BitConverter.UInt32BitsToSingle(b);
        bool certain = a + a - 1 >= 2 * (uint)FloatFormat<float>.MinNormal - 1 & b + b - 1 >= 2 * (uint)FloatFormat<float>.MinNormal - 1 & !double.IsNaN(x) & !double.IsNaN(y);
        SetFlags(ref f, certain ? HostOrder(x < y, x == y) : Exact<float>(s, a, b, signaling));
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
    public static void SetFlags(ref Flags f, FloatOrder order)
    {
        f.Set<byte>((order & (FloatOrder.Less | FloatOrder.Greater)) != 0 ? (byte)1 : (byte)0, (order & (FloatOrder.Less | FloatOrder.Unordered)) != 0, false, false);
        f.PF = order == FloatOrder.Unordered;
    }
}
