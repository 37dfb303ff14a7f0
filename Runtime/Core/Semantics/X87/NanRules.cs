using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>Results that NaNs and unsupported operands decide, whatever the operation (SDM Vol. 1 4.8.3.5).</summary>
static class NanRules
{
    /// <summary>True when an operand is no number, so that <paramref name="result"/> is what the operation gives.</summary>
    public static bool Decide(ref FpuContext c, Float80 a, Float80 b, out Float80 result)
    {
        if (a.IsUnsupported || b.IsUnsupported)
        {
            result = c.Invalid();
            return true;
        }
        if (a.IsNan || b.IsNan)
        {
            if (a.IsSignalingNan || b.IsSignalingNan)
            {
                c.Exceptions |= FpuStatusWord.InvalidOperation;
            }
            result = Quiet(Select(a, b));
            return true;
        }
        result = default;
        return false;
    }

    /// <inheritdoc cref="Decide(ref FpuContext, Float80, Float80, out Float80)"/>
    public static bool Decide(ref FpuContext c, Float80 a, out Float80 result) => Decide(ref c, a, a, out result);

    /// <summary>The same NaN with the quiet bit set.</summary>
    public static Float80 Quiet(Float80 nan) => new(nan.Significand | Float80.QuietBit, nan.SignExponent);

    static Float80 Select(Float80 a, Float80 b)
    {
        if (!b.IsNan)
        {
            return a;
        }
        if (!a.IsNan)
        {
            return b;
        }
        // A quiet NaN wins over a signaling one, then the greater significand, then the positive one.
        if (a.IsSignalingNan != b.IsSignalingNan)
        {
            return a.IsSignalingNan ? b : a;
        }
        if (a.Significand != b.Significand)
        {
            return a.Significand > b.Significand ? a : b;
        }
        return a.IsNegative ? b : a;
    }
}
