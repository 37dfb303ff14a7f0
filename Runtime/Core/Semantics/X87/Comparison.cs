namespace FastVcpu.Semantics.X87;

/// <summary>Comparison of two registers; its outcome as the condition codes C3, C2 and C0.</summary>
static class Comparison
{
    public const int Greater = 0, Less = FpuStatusWord.C0, Equal = FpuStatusWord.C3;
    public const int Unordered = FpuStatusWord.C0 | FpuStatusWord.C2 | FpuStatusWord.C3;

    /// <summary>Compares; any NaN is an invalid operation (FCOM, FICOM, FTST, FCOMI).</summary>
    public static int Ordered(ref FpuContext c, Float80 a, Float80 b) => Compare(ref c, a, b, isQuiet: false);

    /// <summary>Compares; only a signaling NaN is an invalid operation (FUCOM, FUCOMI).</summary>
    public static int Quiet(ref FpuContext c, Float80 a, Float80 b) => Compare(ref c, a, b, isQuiet: true);

    static int Compare(ref FpuContext c, Float80 a, Float80 b, bool isQuiet)
    {
        if (!(a.IsNormal && b.IsNormal) || c.HasDenormalSource)
        {
            if (a.IsUnsupported || b.IsUnsupported || a.IsNan || b.IsNan)
            {
                if (!isQuiet || a.IsUnsupported || b.IsUnsupported || a.IsSignalingNan || b.IsSignalingNan)
                {
                    c.Invalid();
                }
                return Unordered;
            }
            c.NoteDenormal(a, b);
            if (a.IsZero && b.IsZero)
            {
                return Equal;
            }
        }
        if (a.IsNegative != b.IsNegative)
        {
            return a.IsNegative ? Less : Greater;
        }
        int order = CompareMagnitudes(a, b);
        if (order == 0)
        {
            return Equal;
        }
        return order < 0 != a.IsNegative ? Less : Greater;
    }

    static int CompareMagnitudes(Float80 a, Float80 b)
    {
        // A pseudo-denormal has the value of exponent 1.
        int left = a.IsNormal ? a.Exponent : Math.Max(a.Exponent, 1), right = b.IsNormal ? b.Exponent : Math.Max(b.Exponent, 1);
        bool same = left == right || a.Significand == 0 || b.Significand == 0;
        return same ? a.Significand.CompareTo(b.Significand) : left.CompareTo(right);
    }

    /// <summary>The class of a register as FXAM states it in C3, C2 and C0 (SDM Vol. 2 FXAM); the sign is C1.</summary>
    public static int Examine(Float80 a, bool isEmpty)
    {
        int sign = a.IsNegative ? FpuStatusWord.C1 : 0;
        if (isEmpty) return sign | FpuStatusWord.C3 | FpuStatusWord.C0;
        if (a.IsUnsupported) return sign;
        if (a.IsNan) return sign | FpuStatusWord.C0;
        if (a.IsInfinity) return sign | FpuStatusWord.C2 | FpuStatusWord.C0;
        if (a.IsZero) return sign | FpuStatusWord.C3;
        return sign | FpuStatusWord.C2 | (a.IsDenormal ? FpuStatusWord.C3 : 0);
    }
}
