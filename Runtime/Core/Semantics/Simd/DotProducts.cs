using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

// The dot products of AVX-VNNI: sums of the products within each doubleword, added to a third operand.

/// <summary>VPDPBUSD: unsigned times signed bytes.</summary>
readonly struct DotBytes : ITernary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 sum, V128 a, V128 b) => (sum.AsInt32() + Products(a, b)).AsByte();

    /// <summary>The sums of four products, each of which fits a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Products(V128 a, V128 b)
    {
        Vector128<short> x = a.AsInt16(), y = b.AsInt16();
        Vector128<int> even = ((x & Vector128.Create((short)0xFF)) * (y << 8 >> 8)).AsInt32(), odd = ((x >>> 8) * (y >> 8)).AsInt32();
        return (even << 16 >> 16) + (even >> 16) + (odd << 16 >> 16) + (odd >> 16);
    }
}

/// <summary>VPDPBUSDS: the same with saturation.</summary>
readonly struct DotBytesSaturate : ITernary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 sum, V128 a, V128 b) => Vector128.AddSaturate(sum.AsInt32(), DotBytes.Products(a, b)).AsByte();
}

/// <summary>VPDPWSSD: signed words.</summary>
readonly struct DotWords : ITernary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 sum, V128 a, V128 b) => (sum.AsInt32() + MultiplyAddWords.Apply(a, b).AsInt32()).AsByte();
}

/// <summary>VPDPWSSDS: the same with saturation. Two products make 2^31 at most, which is one too many for a doubleword: then halves are added.</summary>
readonly struct DotWordsSaturate : ITernary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 sum, V128 a, V128 b)
    {
        Vector128<int> old = sum.AsInt32(), products = MultiplyAddWords.Apply(a, b).AsInt32(), half = Vector128.Create(1 << 30);
        Vector128<int> most = Vector128.AddSaturate(Vector128.AddSaturate(old, half), half);
        return Vector128.ConditionalSelect(Vector128.Equals(products, Vector128.Create(int.MinValue)), most, Vector128.AddSaturate(old, products)).AsByte();
    }
}
