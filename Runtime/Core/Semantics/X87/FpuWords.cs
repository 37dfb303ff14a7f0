namespace FastVcpu.Semantics.X87;

/// <summary>Bits of the x87 status word (SDM Vol. 1 8.1.3).</summary>
static class FpuStatusWord
{
    public const int InvalidOperation = 0x01, Denormal = 0x02, ZeroDivide = 0x04, Overflow = 0x08, Underflow = 0x10, Precision = 0x20;
    /// <summary>The invalid operation was a stack overflow (C1 = 1) or underflow (C1 = 0).</summary>
    public const int StackFault = 0x40;
    /// <summary>ES and B: an unmasked exception is pending. They always change together.</summary>
    public const int Pending = 0x8080;
    public const int C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000;
    public const int ConditionCodes = C0 | C1 | C2 | C3;
    public const int TopShift = 11, TopMask = 7 << TopShift;

    /// <summary>The six exceptions; a mask of the control word has the same place.</summary>
    public const int Exceptions = 0x3F;
    /// <summary>The exceptions that keep an instruction from having a result when they are not masked.</summary>
    public const int FaultsBeforeResult = InvalidOperation | Denormal | ZeroDivide;
    /// <summary>The same for stores to memory.</summary>
    public const int FaultsBeforeStore = FaultsBeforeResult | Overflow | Underflow;
}

/// <summary>Bits of the x87 control word (SDM Vol. 1 8.1.5).</summary>
static class FpuControlWord
{
    public const int PrecisionShift = 8, RoundingShift = 10;
    /// <summary>The bits that can be written: masks, precision, rounding and the infinity control of the 287.</summary>
    public const int Writable = 0x1F3F;
    /// <summary>Reads as one.</summary>
    public const int AlwaysSet = 0x40;
    /// <summary>After FNINIT: all exceptions masked, 64-bit precision, rounding to nearest.</summary>
    public const ushort Initial = 0x37F;
}

/// <summary>The rounding modes, numbered as in the control word.</summary>
enum Rounding
{
    Nearest,
    Down,
    Up,
    TowardZero,
}
