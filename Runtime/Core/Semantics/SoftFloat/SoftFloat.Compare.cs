namespace FastVcpu.Semantics;

/// <summary>The outcomes of a comparison, as bits so that a predicate is a set of them.</summary>
[Flags]
enum FloatOrder : byte
{
    None = 0,
    Less = 1,
    Equal = 2,
    Greater = 4,
    Unordered = 8,
}

static partial class SoftFloat
{
    /// <summary>Compares; a quiet NaN is invalid for a <paramref name="signaling"/> comparison only.</summary>
    public static FloatOrder Compare<T>(ref FloatContext c, ulong a, ulong b, bool signaling) where T : unmanaged
    {
        Unpacked x = Unpacked.From<T>(c, a), y = Unpacked.From<T>(c, b);
        if (x.IsNan || y.IsNan)
        {
            if (signaling || x.Kind == FloatKind.SignalingNan || y.Kind == FloatKind.SignalingNan) c.Flags |= FloatContext.Invalid;
            return FloatOrder.Unordered;
        }
        NoteDenormal(ref c, x.IsDenormal || y.IsDenormal);
        if (x.Kind == FloatKind.Zero && y.Kind == FloatKind.Zero) return FloatOrder.Equal;
        int order = x.Negative != y.Negative ? (x.Negative ? -1 : 1) : x.Negative ? y.CompareMagnitude(x) : x.CompareMagnitude(y);
        return order < 0 ? FloatOrder.Less : order == 0 ? FloatOrder.Equal : FloatOrder.Greater;
    }

    /// <summary>The second operand unless the first is less: so it is the second for NaNs and for two zeros (SDM MINPS).</summary>
    public static ulong Minimum<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged =>
        Compare<T>(ref c, a, b, true) == FloatOrder.Less ? DenormalAsZero<T>(c, a) : DenormalAsZero<T>(c, b);

    /// <inheritdoc cref="Minimum"/>
    public static ulong Maximum<T>(ref FloatContext c, ulong a, ulong b) where T : unmanaged =>
        Compare<T>(ref c, a, b, true) == FloatOrder.Greater ? DenormalAsZero<T>(c, a) : DenormalAsZero<T>(c, b);

    static ulong DenormalAsZero<T>(in FloatContext c, ulong bits) where T : unmanaged =>
        c.HasDenormalsAreZeros && (bits & FloatFormat<T>.Infinity) == 0 ? bits & FloatFormat<T>.SignBit : bits;
}
