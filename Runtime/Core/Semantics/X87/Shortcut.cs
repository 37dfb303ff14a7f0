using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>
/// Sums and products the short way: of normal numbers, far from the ends of the range, with 64 bits of precision, rounded to nearest, inexact results masked. Hardly a branch in it depends on
/// the operands, because programs' signs and carries are not to be predicted. What it does not do, <see cref="Addition"/> and <see cref="Multiplication"/> do, with the same results.
/// </summary>
static class Shortcut
{
    /// <summary>Exponents that no sum, product or rounding takes out of the range.</summary>
    const int LeastExponent = 0x2100, Exponents = 0x3C00;

    /// <summary>The control word asks for 64 bits, to nearest, and masks inexact results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOpen(int control) => (control & (3 << FpuControlWord.RoundingShift | 3 << FpuControlWord.PrecisionShift | FpuStatusWord.Precision))
        == (3 << FpuControlWord.PrecisionShift | FpuStatusWord.Precision);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool AreUsual(Float80 a, Float80 b) =>
        (long)(a.Significand & b.Significand) < 0 & (uint)(a.Exponent - LeastExponent) < Exponents & (uint)(b.Exponent - LeastExponent) < Exponents;

    /// <summary>a + b, or a + (-b). False: not here.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="flips">The sign of <paramref name="b"/> is the other one.</param>
    /// <param name="result">The rounded result.</param>
    /// <param name="status">Bits of the status word: inexact, C1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAdd(Float80 a, Float80 b, bool flips, out Float80 result, out int status)
    {
        Unsafe.SkipInit(out result);
        Unsafe.SkipInit(out status);
        if (!AreUsual(a, b))
        {
            return false;
        }
        int signA = a.SignExponent >> 15, signB = (b.SignExponent >> 15) ^ (flips ? 1 : 0);
        int difference = a.Exponent - b.Exponent;
        // All ones when b is the greater one.
        int isLess = difference >> 31 | -((difference == 0 ? 1 : 0) & (a.Significand < b.Significand ? 1 : 0));
        ulong exchange = (a.Significand ^ b.Significand) & (ulong)isLess;
        ulong large = a.Significand ^ exchange, small = b.Significand ^ exchange;
        int exponent = a.Exponent - (difference & isLess), sign = signA ^ ((signA ^ signB) & isLess);
        int distance = (difference ^ difference >> 31) - (difference >> 31);
        if (distance > 63)
        {
            return false;
        }
        ulong high = small >> distance, low = small << 1 << (63 - distance);
        if (signA == signB)
        {
            ulong sum = large + high;
            int carry = sum < high ? 1 : 0;
            low = low >> carry | low & (ulong)carry | (sum & (ulong)carry) << 63;
            high = sum >> carry | (ulong)carry << 63;
            exponent += carry;
        }
        else
        {
            high = large - high - (low != 0 ? 1UL : 0);
            low = 0 - low;
            if (high == 0)
            {
                return false;
            }
            int shift = BitOperations.LeadingZeroCount(high);
            high = high << shift | low >> 1 >> (63 - shift);
            low <<= shift;
            exponent -= shift;
        }
        result = Round(sign, exponent, high, low, out status);
        return true;
    }

    /// <summary>a × b. False: not here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMultiply(Float80 a, Float80 b, out Float80 result, out int status)
    {
        Unsafe.SkipInit(out result);
        Unsafe.SkipInit(out status);
        if (!AreUsual(a, b))
        {
            return false;
        }
        ulong high = Math.BigMul(a.Significand, b.Significand, out ulong low);
        int shift = (int)(high >> 63) ^ 1;
        high = high << shift | (low >> 63) & (ulong)shift;
        low <<= shift;
        result = Round((a.SignExponent ^ b.SignExponent) >> 15, a.Exponent + b.Exponent - Float80.Bias + 1 - shift, high, low, out status);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float80 Round(int sign, int exponent, ulong high, ulong low, out int status)
    {
        ulong up = low >> 63 & ((low << 1 != 0 ? 1UL : 0) | high & 1);
        status = (low != 0 ? FpuStatusWord.Precision : 0) | (up != 0 ? FpuStatusWord.C1 : 0);
        high += up;
        if (high == 0)
        {
            high = Float80.IntegerBit;
            exponent++;
        }
        return new Float80(high, sign << 15 | exponent);
    }
}
