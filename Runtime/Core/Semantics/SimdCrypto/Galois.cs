using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>The field GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1.</summary>
static class Galois
{
    static readonly byte[] Inverses = MakeInverses();

    /// <summary>The multiplicative inverse; zero for zero.</summary>
    public static byte Inverse(byte a) => Inverses[a];

    static byte[] MakeInverses()
    {
        byte[] inverses = new byte[256];
        for (int a = 1; a < 256; a++)
        {
            for (int b = 1; b < 256 && inverses[a] == 0; b++)
            {
                if (Multiply((byte)a, (byte)b) == 1) inverses[a] = (byte)b;
            }
        }
        return inverses;
    }

    static byte Multiply(byte a, byte b)
    {
        int product = 0;
        for (int i = 0, x = a; i < 8; i++, x = x << 1 ^ ((x & 0x80) != 0 ? 0x11B : 0))
        {
            if ((b >> i & 1) != 0) product ^= x;
        }
        return (byte)product;
    }
}

/// <summary>GF2P8MULB.</summary>
readonly struct GaloisMultiply : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b)
    {
        V128 product = default, reduction = Vector128.Create((byte)0x1B);
        for (int i = 0; i < 8; i++)
        {
            product ^= a & Negative(b << 7 - i);
            a = a << 1 ^ reduction & Negative(a);
        }
        return product;
    }

    static V128 Negative(V128 a) => Vector128.LessThan(a.AsSByte(), Vector128<sbyte>.Zero).AsByte();
}

/// <summary>GF2P8AFFINEQB: each byte times the 8 by 8 bit matrix in the same quadword of the second operand, plus a constant.</summary>
readonly struct GaloisAffine : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Apply(V128 a, V128 matrix, byte constant)
    {
        V128 result = Vector128.Create(constant);
        for (int row = 0; row < 8; row++)
        {
            // The last byte of a matrix makes the lowest bit.
            V128 line = Vector128.Shuffle(matrix, Vector128.Create((byte)(7 - row)) + (V128.Indices & Vector128.Create((byte)8))) & a;
            line ^= line >>> 4;
            line ^= line >>> 2;
            line ^= line >>> 1;
            result ^= (line & Vector128<byte>.One) << row;
        }
        return result;
    }
}

/// <summary>GF2P8AFFINEINVQB: the same of the bytes' inverses.</summary>
readonly struct GaloisAffineInverse : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Apply(V128 a, V128 matrix, byte constant)
    {
        for (int i = 0; i < V128.Count; i++)
        {
            a = a.WithElement(i, Galois.Inverse(a.GetElement(i)));
        }
        return GaloisAffine.Apply(a, matrix, constant);
    }
}

/// <summary>PCLMULQDQ: product without carries of the quadwords that bits 0 and 4 of the immediate choose.</summary>
readonly struct CarrylessMultiply : IBinaryImmediate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 a, V128 b, byte halves)
    {
        ulong x = (halves & 1) != 0 ? Simd.High(a) : Simd.Low(a), y = (halves & 0x10) != 0 ? Simd.High(b) : Simd.Low(b);
        return Pclmulqdq.IsSupported
            ? Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(x), Vector128.CreateScalar(y), 0).AsByte()
            : Portable(x, y);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static V128 Portable(ulong x, ulong y)
    {
        ulong low = 0, high = 0;
        for (int i = 0; i < 64; i++)
        {
            ulong chosen = 0 - (y >> i & 1) & x;
            low ^= chosen << i;
            high ^= chosen >> 1 >> 63 - i;
        }
        return Vector128.Create(low, high).AsByte();
    }
}
