using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastVcpu.State;

/// <summary>The six arithmetic flags (OF SF ZF AF PF CF) as data of the last result, evaluated when somebody asks.</summary>
/// <remarks>
/// <para><see cref="Result"/> is the result sign-extended to 64 bits: ZF is "all zero", SF its bit 63, PF the parity of its low byte.</para>
/// <para><see cref="Aux"/> holds carries: bit 63 = carry out of the most significant bit (CF), bit 62 = carry into it (OF = bit 63 xor
/// bit 62), bit 3 = carry out of bit 3 (AF). Bits 8–15 are xored into the byte that PF looks at and bit 16 into SF, so that every
/// combination of flags can be stated. All other bits are meaningless.</para>
/// <para>Semantics take this struct by <c>ref</c> and are inlined, so that it lives in host registers. A condition in the middle of an assignment
/// to a field would undo that: the address waits on the evaluation stack meanwhile. So conditions are locals.</para>
/// </remarks>
struct Flags
{
    public ulong Result;
    public ulong Aux;

    const ulong Carry = 1UL << 63;
    const ulong CarryIn = 1UL << 62;
    const ulong Adjust = 1UL << 3;
    const ulong SignDelta = 1UL << 16;
    const ulong ParityDelta = 0xFF00;
    const ulong CarryMask = Carry | CarryIn | Adjust;

    /// <summary>The bits of RFLAGS that this struct stands for.</summary>
    public const uint Mask = 0x8D5;

    public const uint CfBit = 0x001, PfBit = 0x004, AfBit = 0x010, ZfBit = 0x040, SfBit = 0x080, OfBit = 0x800;

    public bool CF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (long)Aux < 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set
        {
            // Both carry bits flip together, so that OF stays.
            ulong carry = value ? Carry : 0;
            Aux ^= (ulong)((long)(carry ^ (Aux & Carry)) >> 1) & (Carry | CarryIn);
        }
    }

    public bool OF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (long)(Aux ^ (Aux << 1)) < 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set
        {
            ulong carryIn = value ? CarryIn : 0;
            Aux = (Aux & ~CarryIn) | (((Aux >> 1) ^ carryIn) & CarryIn);
        }
    }

    public bool AF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (Aux & Adjust) != 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set
        {
            ulong adjust = value ? Adjust : 0;
            Aux = (Aux & ~Adjust) | adjust;
        }
    }

    public bool ZF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => Result == 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => this = FromEflags((ToEflags() & ~ZfBit) | (value ? ZfBit : 0));
    }

    public bool SF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (long)(Result ^ (Aux << 47)) < 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Aux = (Aux & ~SignDelta) | ((((Result >> 63) ^ (value ? 1UL : 0)) & 1) << 16);
    }

    public bool PF
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (BitOperations.PopCount((uint)(byte)(Result ^ (Aux >> 8))) & 1) == 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Aux = PF == value ? Aux : Aux ^ 0x100;
    }

    /// <summary>CF as a number, 0 or 1.</summary>
    public readonly ulong CarryValue
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Aux >> 63;
    }

    /// <summary>SF ≠ OF: the signed "less" condition.</summary>
    public readonly bool Less
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (long)(Result ^ (Aux << 47) ^ Aux ^ (Aux << 1)) < 0;
    }

    /// <summary>After AND, OR, XOR, TEST: CF = OF = AF = 0, the rest from the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetLogic<T>(T result) where T : unmanaged
    {
        Result = Bits.Sign(result);
        Aux = 0;
    }

    /// <summary>SF, ZF, PF from the result; CF, OF and AF as given.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set<T>(T result, bool carry, bool overflow, bool adjust) where T : unmanaged
    {
        ulong aux = (carry ? Carry : 0) | (carry != overflow ? CarryIn : 0) | (adjust ? Adjust : 0);
        Result = Bits.Sign(result);
        Aux = aux;
    }

    /// <summary>ZF as given, all others cleared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetZeroOnly(bool zero)
    {
        ulong result = zero ? 0 : 0x100UL;
        Result = result;
        // An even low byte in the result: this makes PF 0.
        Aux = 0x100;
    }

    /// <summary>SF, ZF, PF from the result; CF, OF and AF stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetResult<T>(T result) where T : unmanaged
    {
        Result = Bits.Sign(result);
        Aux &= CarryMask;
    }

    /// <summary>All flags of <c>left + right + carry</c>; returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T SetAdd<T>(T left, T right, ulong carry) where T : unmanaged
    {
        ulong x = Bits.Zero(left), y = Bits.Zero(right), z = x + y + carry;
        T result = Bits.Truncate<T>(z);
        Result = Bits.Sign(result);
        if (Unsafe.SizeOf<T>() == 8)
        {
            Aux = ((x & y) | ((x | y) & ~z)) & CarryMask;
        }
        else
        {
            ulong carries = x ^ y ^ z;
            Aux = (carries << (63 - Bits.Width<T>())) | ((carries & 0x10) >> 1);
        }
        return result;
    }

    /// <summary>All flags of <c>left - right - borrow</c>; returns the difference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T SetSub<T>(T left, T right, ulong borrow) where T : unmanaged
    {
        ulong x = Bits.Zero(left), y = Bits.Zero(right), z = x - y - borrow;
        T result = Bits.Truncate<T>(z);
        Result = Bits.Sign(result);
        if (Unsafe.SizeOf<T>() == 8)
        {
            Aux = ((~x & y) | (~(x ^ y) & z)) & CarryMask;
        }
        else
        {
            ulong carries = x ^ y ^ z;
            Aux = (carries << (63 - Bits.Width<T>())) | ((carries & 0x10) >> 1);
        }
        return result;
    }

    /// <summary>All flags of <c>left + right</c> but CF, which stays; returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T SetAddKeepCarry<T>(T left, T right) where T : unmanaged
    {
        ulong before = Aux;
        T result = SetAdd(left, right, 0);
        ulong changed = (before ^ Aux) & Carry;
        Aux ^= changed | changed >> 1;
        return result;
    }

    /// <summary>All flags of <c>left - right</c> but CF, which stays; returns the difference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T SetSubKeepCarry<T>(T left, T right) where T : unmanaged
    {
        ulong before = Aux;
        T result = SetSub(left, right, 0);
        ulong changed = (before ^ Aux) & Carry;
        Aux ^= changed | changed >> 1;
        return result;
    }

    /// <summary>SF, ZF, PF from the result; CF and OF from the two top bits of <paramref name="carries"/> (out of and into the top bit); AF = 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetShift<T>(T result, ulong carries) where T : unmanaged
    {
        Result = Bits.Sign(result);
        Aux = (carries & (Carry | CarryIn)) | Adjust;
    }

    /// <summary>CF and OF from the two top bits of <paramref name="carries"/>; the rest stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetCarries(ulong carries) => Aux = (Aux & ~(Carry | CarryIn)) | (carries & (Carry | CarryIn));

    /// <summary>The flags at their places in RFLAGS; other bits zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint ToEflags() =>
        (CF ? CfBit : 0) | (PF ? PfBit : 0) | (AF ? AfBit : 0) | (ZF ? ZfBit : 0) | (SF ? SfBit : 0) | (OF ? OfBit : 0);

    /// <summary>The inverse of <see cref="ToEflags"/>; bits that are not arithmetic flags are ignored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Flags FromEflags(uint eflags)
    {
        bool carry = (eflags & CfBit) != 0, zero = (eflags & ZfBit) != 0, sign = (eflags & SfBit) != 0;
        Flags flags = default;
        flags.Result = zero ? 0 : sign ? Carry | 1 : 1;
        flags.Aux = (carry ? Carry : 0) | (carry != ((eflags & OfBit) != 0) ? CarryIn : 0) | ((eflags & AfBit) != 0 ? Adjust : 0);
        if (zero && sign) flags.Aux |= SignDelta;
        flags.PF = (eflags & PfBit) != 0;
        return flags;
    }

    /// <summary>The condition <paramref name="cc"/> (low four bits of Jcc, SETcc, CMOVcc opcodes, SDM Vol. 1 B.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Test(int cc)
    {
        bool value = (cc >> 1) switch
        {
            0 => OF,
            1 => CF,
            2 => ZF,
            3 => CF | ZF,
            4 => SF,
            5 => PF,
            6 => Less,
            _ => ZF | Less,
        };
        return (cc & 1) != 0 ? !value : value;
    }
}
