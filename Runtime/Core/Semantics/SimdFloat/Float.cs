using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;
using V256 = System.Runtime.Intrinsics.Vector256<byte>;

namespace FastVcpu.Semantics;

/// <summary>A floating-point operation twice: on one element in <see cref="SoftFloat"/>, which is the truth, and on vectors of the host.</summary>
/// <remarks>With fewer operands than three the last one is repeated.</remarks>
interface IFloatOperation
{
    /// <summary>False unless it is certain that result and flags are those of x86, and that MXCSR does not change.</summary>
    bool TryHost<T>(uint mxcsr, Vector128<T> x, Vector128<T> y, Vector128<T> z, out Vector128<T> r) where T : unmanaged;

    ulong Exact<T>(ref FloatContext c, ulong a, ulong b, ulong d) where T : unmanaged;
}

/// <summary>An operation that an immediate operand chooses.</summary>
interface IFloatImmediate<TSelf> : IFloatOperation where TSelf : struct, IFloatImmediate<TSelf>
{
    static abstract TSelf From(byte immediate);
}

/// <summary>
/// Floating-point instructions that treat all elements alike: packed ones, and scalar ones as integers. The host's vector unit computes; when it
/// is not certain to do as x86 does, the fast flavour gives up and the careful one takes the exact way.
/// </summary>
static unsafe class Float
{
    /// <summary>One operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, out V128 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V128, TFlavour>(s, default, a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, out V256 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V256, TFlavour>(s, default, a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, ulong a, out ulong r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, ulong, TFlavour>(s, default, a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, uint a, out uint r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, uint, TFlavour>(s, default, a, a, a, out r);

    /// <summary>Two operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, V128 b, out V128 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V128, TFlavour>(s, default, a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, V256 b, out V256 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V256, TFlavour>(s, default, a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, ulong a, ulong b, out ulong r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, ulong, TFlavour>(s, default, a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, uint a, uint b, out uint r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, uint, TFlavour>(s, default, a, b, b, out r);

    /// <summary>Three operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, V128 b, V128 c, out V128 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V128, TFlavour>(s, default, a, b, c, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, V256 b, V256 c, out V256 r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V256, TFlavour>(s, default, a, b, c, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, ulong a, ulong b, ulong c, out ulong r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, ulong, TFlavour>(s, default, a, b, c, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, uint a, uint b, uint c, out uint r)
        where TOp : struct, IFloatOperation where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, uint, TFlavour>(s, default, a, b, c, out r);

    /// <summary>One operand and an immediate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, byte immediate, out V128 r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V128, TFlavour>(s, TOp.From(immediate), a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, byte immediate, out V256 r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V256, TFlavour>(s, TOp.From(immediate), a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, ulong a, byte immediate, out ulong r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, ulong, TFlavour>(s, TOp.From(immediate), a, a, a, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, uint a, byte immediate, out uint r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, uint, TFlavour>(s, TOp.From(immediate), a, a, a, out r);

    /// <summary>Two operands and an immediate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V128 a, V128 b, byte immediate, out V128 r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V128, TFlavour>(s, TOp.From(immediate), a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, V256 a, V256 b, byte immediate, out V256 r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, V256, TFlavour>(s, TOp.From(immediate), a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, ulong a, ulong b, byte immediate, out ulong r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, ulong, TFlavour>(s, TOp.From(immediate), a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, T, TFlavour>(CpuState* s, uint a, uint b, byte immediate, out uint r)
        where TOp : struct, IFloatImmediate<TOp> where T : unmanaged where TFlavour : struct, IFlavour =>
        Compute<TOp, T, uint, TFlavour>(s, TOp.From(immediate), a, b, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Compute<TOp, T, TVector, TFlavour>(CpuState* s, TOp operation, TVector a, TVector b, TVector c, out TVector r)
        where TOp : struct, IFloatOperation where T : unmanaged where TVector : unmanaged where TFlavour : struct, IFlavour
    {
        bool isCertain = TryHost<TOp, T, TVector>(s->Mxcsr, operation, a, b, c, out r);
        if (isCertain || TFlavour.IsFast)
        {
            return isCertain;
        }
        r = Exact<TOp, T, TVector>(s, operation, a, b, c);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryHost<TOp, T, TVector>(uint mxcsr, TOp operation, TVector a, TVector b, TVector c, out TVector r)
        where TOp : struct, IFloatOperation where T : unmanaged where TVector : unmanaged
    {
        bool isCertain = operation.TryHost(mxcsr, HostFloat.Lower<TVector, T>(a), HostFloat.Lower<TVector, T>(b), HostFloat.Lower<TVector, T>(c), out Vector128<T> low);
        Vector128<T> high = default;
        if (typeof(TVector) == typeof(V256))
        {
            isCertain &= operation.TryHost(mxcsr, HostFloat.Upper<TVector, T>(a), HostFloat.Upper<TVector, T>(b), HostFloat.Upper<TVector, T>(c), out high);
        }
        r = HostFloat.Join<TVector, T>(low, high);
        return isCertain;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TVector Exact<TOp, T, TVector>(CpuState* s, TOp operation, TVector a, TVector b, TVector c)
        where TOp : struct, IFloatOperation where T : unmanaged where TVector : unmanaged
    {
        FloatContext context = new(s->Mxcsr);
        TVector result = default;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            Element.Set<T>(&result, i, operation.Exact<T>(ref context, Element.Get<T>(&a, i), Element.Get<T>(&b, i), Element.Get<T>(&c, i)));
        }
        Mxcsr.Commit(s, context);
        return result;
    }
}
