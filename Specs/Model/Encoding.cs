using System.Collections.Generic;

namespace FastVcpu.Specs;

/// <summary>The opcode maps of the generated tables.</summary>
public enum OpcodeMap
{
    OneByte,
    Map0F,
    Map0F38,
    Map0F3A,
    Vex0F,
    Vex0F38,
    Vex0F3A,
}

/// <summary>What a row demands of the prefixes 66, F2 and F3.</summary>
public enum MandatoryPrefix
{
    /// <summary>Nothing.</summary>
    Any,
    /// <summary>None of them.</summary>
    None,
    P66,
    F3,
    F2,
    /// <summary>No F2 or F3; 66 is the operand size.</summary>
    NoRepeat,
}

/// <summary>An immediate field.</summary>
public enum ImmediateField
{
    Ib,
    Iw,
    Id,
    Iz,
    Iv,
    Cb,
    Cz,
    Cp,
    Moffs,
    Is4,
}

/// <summary>The first column of a row.</summary>
public sealed class Encoding
{
    public OpcodeMap Map { get; set; }
    public bool IsVex => Map >= OpcodeMap.Vex0F;
    public byte Opcode { get; set; }

    /// <summary>The low three bits of the opcode are a register (<c>+r</c>).</summary>
    public bool HasOpcodeRegister { get; set; }

    /// <summary>The opcode grows by the condition (<c>+cc</c>).</summary>
    public bool HasCondition { get; set; }

    public MandatoryPrefix Prefix { get; set; }

    /// <summary>The value that REX.W or VEX.W must have.</summary>
    public int? W { get; set; }

    /// <summary>The value that VEX.L must have.</summary>
    public int? L { get; set; }

    /// <summary>VEX.L selects the width of <c>x</c> operands.</summary>
    public bool LSelects { get; set; }

    /// <summary>VEX.W selects the width of <c>y</c> operands.</summary>
    public bool WSelects { get; set; }

    public bool HasModrm { get; set; }

    /// <summary>The value that ModRM.reg must have.</summary>
    public int? Digit { get; set; }

    /// <summary>The value that the ModRM byte must have; its low bits are free with <see cref="HasModrmRegister"/>.</summary>
    public int? FixedModrm { get; set; }

    /// <summary>The low three bits of a fixed ModRM byte are a register (<c>+i</c>).</summary>
    public bool HasModrmRegister { get; set; }

    public List<ImmediateField> Immediates { get; } = new();
}
