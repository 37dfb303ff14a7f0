namespace FastVcpu;

/// <summary>Default operand and address size of user-mode code.</summary>
public enum CodeSize
{
    /// <summary>32-bit code: compatibility mode, as an i386 program runs.</summary>
    Bits32 = 32,
    /// <summary>64-bit mode.</summary>
    Bits64 = 64,
}
