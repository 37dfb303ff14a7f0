using System;

namespace FastVcpu.Specs;

/// <summary>The word in which the decoder collects what a choice between forms can depend on. The generator copies it into the runtime.</summary>
public static class DecodeContext
{
    public const int Is64Shift = 0, OperandSizeShift = 1, AddressSizeShift = 3, RegisterFormShift = 5, RegShift = 6, RmShift = 9, PrefixShift = 12,
        WShift = 14, LShift = 15, RexBShift = 17, ProtectedShift = 18, NoVvvvShift = 19, RexRShift = 20;

    public const uint Is64 = 1u << Is64Shift;
    /// <summary>0, 1, 2: 16, 32, 64 bits, by mode, 66 and W alone.</summary>
    public const uint OperandSize = 3u << OperandSizeShift;
    public const uint AddressSize = 3u << AddressSizeShift;
    public const uint RegisterForm = 1u << RegisterFormShift;
    public const uint Reg = 7u << RegShift;
    public const uint Rm = 7u << RmShift;
    /// <summary>0 none, 1 66, 2 F3, 3 F2. F2 and F3 go before 66, the last of them counts.</summary>
    public const uint Prefix = 3u << PrefixShift;
    public const uint W = 1u << WShift;
    public const uint L = 3u << LShift;
    public const uint RexB = 1u << RexBShift;
    public const uint Protected = 1u << ProtectedShift;
    public const uint RexR = 1u << RexRShift;
    /// <summary>VEX.vvvv is 1111b: no register.</summary>
    public const uint NoVvvv = 1u << NoVvvvShift;

    public static int PopCount(uint value)
    {
        int count = 0;
        for (; value != 0; value &= value - 1)
        {
            count++;
        }
        return count;
    }
}

/// <summary>A condition on the context.</summary>
public readonly struct DecodePattern : IEquatable<DecodePattern>
{
    public DecodePattern(uint mask, uint value)
    {
        Mask = mask;
        Value = value;
    }

    public uint Mask { get; }
    public uint Value { get; }

    /// <summary>How specific: the number of bits that must have a value. The greater wins.</summary>
    public int Rank => DecodeContext.PopCount(Mask);

    public bool Matches(uint context) => (context & Mask) == Value;

    public bool Overlaps(DecodePattern other) => ((Value ^ other.Value) & Mask & other.Mask) == 0;

    public bool Equals(DecodePattern other) => Mask == other.Mask && Value == other.Value;

    public override bool Equals(object? obj) => obj is DecodePattern other && Equals(other);

    public override int GetHashCode() => (int)(Mask * 31 + Value);
}
