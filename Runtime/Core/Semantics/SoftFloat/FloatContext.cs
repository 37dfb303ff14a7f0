namespace FastVcpu.Semantics;

/// <summary>Rounding modes as MXCSR.RC and immediate operands number them.</summary>
enum RoundingMode
{
    Nearest,
    Down,
    Up,
    TowardZero,
}

/// <summary>What an exact operation depends on (a copy of MXCSR) and the exceptions that it has met so far.</summary>
struct FloatContext(uint mxcsr)
{
    /// <summary>Exception flags as in MXCSR bits 0–5; the masks lie <see cref="MaskShift"/> bits higher.</summary>
    public const uint Invalid = 1, Denormal = 2, DivideByZero = 4, Overflow = 8, Underflow = 16, Precision = 32, AllExceptions = 0x3F;
    public const int MaskShift = 7, RoundingShift = 13;
    public const uint DenormalsAreZeros = 1 << 6, RoundingMask = 3 << RoundingShift, FlushToZero = 1 << 15;

    /// <summary>MXCSR without its flags, or a variation of it (another rounding mode, an exception suppressed).</summary>
    public uint Control = mxcsr & ~AllExceptions;

    /// <summary>Exceptions of this instruction.</summary>
    public uint Flags;

    public readonly RoundingMode Rounding => (RoundingMode)(Control >> RoundingShift & 3);

    public readonly bool HasDenormalsAreZeros => (Control & DenormalsAreZeros) != 0;

    public readonly bool IsMasked(uint exception) => (Control & exception << MaskShift) != 0;

    /// <summary>The exceptions met that are not masked.</summary>
    public readonly uint Unmasked => Flags & ~(Control >> MaskShift);

    /// <summary>The same context with an instruction's own rounding mode.</summary>
    public readonly FloatContext With(RoundingMode rounding)
    {
        FloatContext changed = this;
        changed.Control = Control & ~RoundingMask | (uint)rounding << RoundingShift;
        return changed;
    }
}
