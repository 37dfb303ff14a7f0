using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>What one arithmetic operation sees of the control word, and what it finds out besides its result.</summary>
/// <param name="control">The control word.</param>
struct FpuContext(int control)
{
    readonly int _control = control;

    /// <summary>Exceptions met so far, as bits of the status word.</summary>
    public int Exceptions;

    /// <summary>The last rounding went away from zero: C1.</summary>
    public bool RoundedUp;

    /// <summary>An operand was denormal in the memory format that it came from, though it is normal here.</summary>
    public bool HasDenormalSource;

    public readonly Rounding Rounding
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Rounding)(_control >> FpuControlWord.RoundingShift & 3);
    }

    /// <summary>Significant bits that add, subtract, multiply, divide and square root keep.</summary>
    public readonly int Precision
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (_control >> FpuControlWord.PrecisionShift & 3) switch
        {
            0 => 24,
            2 => 53,
            _ => 64,
        };
    }

    public readonly bool IsMasked(int exception) => (_control & exception) != 0;

    /// <summary>Notes a masked or unmasked invalid operation and gives its masked answer.</summary>
    public Float80 Invalid()
    {
        Exceptions |= FpuStatusWord.InvalidOperation;
        return Float80.Indefinite;
    }

    /// <summary>Notes a division of a finite number by zero.</summary>
    public Float80 DividedByZero(bool negative)
    {
        Exceptions |= FpuStatusWord.ZeroDivide;
        return Float80.Infinity(negative);
    }

    /// <summary>Notes a denormal operand, if there is one.</summary>
    public void NoteDenormal(Float80 operand)
    {
        if (operand.IsDenormal || HasDenormalSource)
        {
            Exceptions |= FpuStatusWord.Denormal;
        }
    }

    /// <inheritdoc cref="NoteDenormal(Float80)"/>
    public void NoteDenormal(Float80 a, Float80 b)
    {
        NoteDenormal(a);
        NoteDenormal(b);
    }
}
