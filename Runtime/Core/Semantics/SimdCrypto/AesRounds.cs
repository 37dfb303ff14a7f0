using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>AESENC.</summary>
readonly struct AesEncrypt : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 state, V128 key) => Aes.IsSupported
        ? Aes.Encrypt(state, key)
        : AesRounds.MixColumns(AesRounds.Substitute(AesRounds.ShiftRows(state), AesRounds.Box)) ^ key;
}

/// <summary>AESENCLAST.</summary>
readonly struct AesEncryptLast : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 state, V128 key) => Aes.IsSupported
        ? Aes.EncryptLast(state, key)
        : AesRounds.Substitute(AesRounds.ShiftRows(state), AesRounds.Box) ^ key;
}

/// <summary>AESDEC.</summary>
readonly struct AesDecrypt : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 state, V128 key) => Aes.IsSupported
        ? Aes.Decrypt(state, key)
        : AesRounds.InverseMixColumns(AesRounds.Substitute(AesRounds.InverseShiftRows(state), AesRounds.InverseBox)) ^ key;
}

/// <summary>AESDECLAST.</summary>
readonly struct AesDecryptLast : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 state, V128 key) => Aes.IsSupported
        ? Aes.DecryptLast(state, key)
        : AesRounds.Substitute(AesRounds.InverseShiftRows(state), AesRounds.InverseBox) ^ key;
}

/// <summary>AESIMC.</summary>
readonly struct AesInverseMixColumns : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Apply(V128 state) => Aes.IsSupported ? Aes.InverseMixColumns(state) : AesRounds.InverseMixColumns(state);
}

/// <summary>AESKEYGENASSIST: words 1 and 3 through the S-box; the same rotated and with the round constant.</summary>
readonly struct AesKeyGenerationAssist : IUnaryImmediate
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 Apply(V128 key, byte constant)
    {
        Vector128<uint> words = AesRounds.Substitute(key, AesRounds.Box).AsUInt32();
        uint x = words.GetElement(1), y = words.GetElement(3);
        return Vector128.Create(x, uint.RotateRight(x, 8) ^ constant, y, uint.RotateRight(y, 8) ^ constant).AsByte();
    }
}

/// <summary>The steps of an AES round (FIPS 197) in portable code.</summary>
static class AesRounds
{
    /// <summary>The S-box and its inverse, from the definition: the inverse in GF(2^8), then an affine map.</summary>
    public static readonly byte[] Box = Table(), InverseBox = Inverse(Box);

    public static V128 ShiftRows(V128 state) => Vector128.Shuffle(state, Vector128.Create((byte)0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11));

    public static V128 InverseShiftRows(V128 state) =>
        Vector128.Shuffle(state, Vector128.Create((byte)0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3));

    public static V128 Substitute(V128 state, byte[] box)
    {
        for (int i = 0; i < V128.Count; i++)
        {
            state = state.WithElement(i, box[state.GetElement(i)]);
        }
        return state;
    }

    /// <summary>Each byte of a column: twice itself, three times the next, and the two others.</summary>
    public static V128 MixColumns(V128 state)
    {
        V128 next = Rotate(state, 1);
        return Double(state ^ next) ^ next ^ Rotate(state, 2) ^ Rotate(state, 3);
    }

    /// <summary>The inverse is MixColumns after a step with even coefficients.</summary>
    public static V128 InverseMixColumns(V128 state) => MixColumns(state ^ Double(Double(state ^ Rotate(state, 2))));

    /// <summary>Each byte's neighbour <paramref name="count"/> further down its column.</summary>
    static V128 Rotate(V128 state, int count) => (state.AsUInt32() >>> 8 * count | state.AsUInt32() << 32 - 8 * count).AsByte();

    /// <summary>Multiplication by x in GF(2^8).</summary>
    static V128 Double(V128 a) => a + a ^ Vector128.LessThan(a.AsSByte(), Vector128<sbyte>.Zero).AsByte() & Vector128.Create((byte)0x1B);

    static byte[] Table()
    {
        byte[] box = new byte[256];
        for (int i = 0; i < 256; i++)
        {
            byte x = Galois.Inverse((byte)i);
            box[i] = (byte)(x ^ byte.RotateLeft(x, 1) ^ byte.RotateLeft(x, 2) ^ byte.RotateLeft(x, 3) ^ byte.RotateLeft(x, 4) ^ 0x63);
        }
        return box;
    }

    static byte[] Inverse(byte[] box)
    {
        byte[] inverse = new byte[256];
        for (int i = 0; i < 256; i++)
        {
            inverse[box[i]] = (byte)i;
        }
        return inverse;
    }
}
