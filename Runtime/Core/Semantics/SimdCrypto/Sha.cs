using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>The SHA-1 and SHA-256 instructions (SDM Vol. 2). A vector's highest doubleword is the first in the standard's order.</summary>
static class Sha
{
    /// <summary>SHA1RNDS4: four rounds, their function and constant by the immediate.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Rounds1(V128 state, V128 message, byte function)
    {
        Vector128<uint> s = state.AsUInt32(), w = message.AsUInt32();
        uint a = s.GetElement(3), b = s.GetElement(2), c = s.GetElement(1), d = s.GetElement(0), e = 0;
        for (int i = 3; i >= 0; i--)
        {
            uint f = (function & 3) switch
            {
                0 => (b & c ^ ~b & d) + 0x5A827999,
                1 => (b ^ c ^ d) + 0x6ED9EBA1,
                2 => (b & c ^ b & d ^ c & d) + 0x8F1BBCDC,
                _ => (b ^ c ^ d) + 0xCA62C1D6,
            };
            // E has been added to the first message word already (SHA1NEXTE).
            (a, b, c, d, e) = (f + BitOperations.RotateLeft(a, 5) + w.GetElement(i) + e, a, BitOperations.RotateLeft(b, 30), c, d);
        }
        return Vector128.Create(d, c, b, a).AsByte();
    }

    /// <summary>SHA1NEXTE.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Next1(V128 state, V128 message) =>
        (message.AsUInt32() + Vector128.Create(0, 0, 0, BitOperations.RotateLeft(state.AsUInt32().GetElement(3), 30))).AsByte();

    /// <summary>SHA1MSG1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Schedule1First(V128 a, V128 b) => a ^ Vector128.Create(b.GetUpper(), a.GetLower());

    /// <summary>SHA1MSG2.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Schedule1Second(V128 a, V128 b)
    {
        Vector128<uint> x = a.AsUInt32(), w = b.AsUInt32();
        uint w16 = BitOperations.RotateLeft(x.GetElement(3) ^ w.GetElement(2), 1), w17 = BitOperations.RotateLeft(x.GetElement(2) ^ w.GetElement(1), 1);
        uint w18 = BitOperations.RotateLeft(x.GetElement(1) ^ w.GetElement(0), 1), w19 = BitOperations.RotateLeft(x.GetElement(0) ^ w16, 1);
        return Vector128.Create(w19, w18, w17, w16).AsByte();
    }

    /// <summary>SHA256RNDS2: two rounds on C D G H (first operand) and A B E F (second), with message and constants in the third.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Rounds256(V128 cdgh, V128 abef, V128 message)
    {
        Vector128<uint> x = cdgh.AsUInt32(), y = abef.AsUInt32(), w = message.AsUInt32();
        uint a = y.GetElement(3), b = y.GetElement(2), c = x.GetElement(3), d = x.GetElement(2);
        uint e = y.GetElement(1), f = y.GetElement(0), g = x.GetElement(1), h = x.GetElement(0);
        for (int i = 0; i < 2; i++)
        {
            uint sum1 = BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25);
            uint sum0 = BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22);
            uint t = h + sum1 + (e & f ^ ~e & g) + w.GetElement(i);
            (a, b, c, d, e, f, g, h) = (t + sum0 + (a & b ^ a & c ^ b & c), a, b, c, d + t, e, f, g);
        }
        return Vector128.Create(f, e, b, a).AsByte();
    }

    /// <summary>SHA256MSG1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Schedule256First(V128 a, V128 b)
    {
        Vector128<uint> w = AlignRight.Apply(b, a, 4).AsUInt32();
        return (a.AsUInt32() + (RotateRight(w, 7) ^ RotateRight(w, 18) ^ w >>> 3)).AsByte();
    }

    /// <summary>SHA256MSG2.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Schedule256Second(V128 a, V128 b)
    {
        Vector128<uint> x = a.AsUInt32(), w = b.AsUInt32();
        uint w16 = x.GetElement(0) + Sigma(w.GetElement(2)), w17 = x.GetElement(1) + Sigma(w.GetElement(3));
        return Vector128.Create(w16, w17, x.GetElement(2) + Sigma(w16), x.GetElement(3) + Sigma(w17)).AsByte();
    }

    static uint Sigma(uint w) => BitOperations.RotateRight(w, 17) ^ BitOperations.RotateRight(w, 19) ^ w >> 10;

    static Vector128<uint> RotateRight(Vector128<uint> a, int count) => a >>> count | a << 32 - count;
}
