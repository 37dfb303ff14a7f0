using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>What selects the integer type T of a form.</summary>
public enum FormWidth
{
    /// <summary>Nothing: there is no T, or one that is always the same.</summary>
    None,
    /// <summary>Operand size.</summary>
    OperandSize,
    /// <summary>Operand size, 32 bits at most.</summary>
    OperandSize32,
    /// <summary>REX.W or VEX.W.</summary>
    W,
}

/// <summary>Operand size in 64-bit mode.</summary>
public enum OperandSizeRule
{
    /// <summary>32 bits; 66 and REX.W change it.</summary>
    Normal,
    /// <summary>64 bits; 66 makes it 16.</summary>
    Default64,
    /// <summary>64 bits always.</summary>
    Force64,
}

public enum LockRule
{
    Illegal,
    Legal,
    Implicit,
}

/// <summary>Why an instruction ends its block. The order is that of <c>BlockEnd</c> in the runtime.</summary>
public enum FormEnd
{
    None,
    Jcc,
    Jmp,
    Ind,
    Call,
    Ret,
    Mode,
    Exit,
}

public enum RepeatRule
{
    None,
    Rep,
    Repz,
}

/// <summary>A row after expansion: one condition, one vector length. What the generator compiles.</summary>
public sealed class Form
{
    public Form(Row row, string mnemonic, Encoding encoding, Semantics semantics)
    {
        Row = row;
        Mnemonic = mnemonic;
        Encoding = encoding;
        Semantics = semantics;
        Opcode = encoding.Opcode;
        L = encoding.L;
    }

    public Row Row { get; }

    /// <summary>Number in the generated tables: the form's place in <see cref="Specification.Forms"/>.</summary>
    public int Number { get; set; }

    public string Mnemonic { get; }
    public Encoding Encoding { get; }
    public IReadOnlyList<Operand> Operands => Row.Operands;
    public Semantics Semantics { get; }
    public byte Opcode { get; set; }

    /// <summary>Number of the condition of a <c>{cc}</c> row.</summary>
    public int? Condition { get; set; }

    /// <summary>Value that VEX.L must have.</summary>
    public int? L { get; set; }

    public FlagEffects Flags { get; set; } = FlagEffects.None;
    public IReadOnlyList<Feature> Features { get; set; } = new Feature[0];
    public FormEnd End { get; set; }
    public LockRule Lock { get; set; }
    public RepeatRule Repeat { get; set; }
    public OperandSizeRule SizeRule { get; set; }

    /// <summary>The integer type by which the form is compiled several times.</summary>
    public FormWidth Width { get; set; }

    /// <summary>The sizes in bits that T takes.</summary>
    public IReadOnlyList<int> Widths { get; set; } = new int[0];

    /// <summary>Size of T in bits in a form with one T, or 0.</summary>
    public int FixedWidth { get; set; }

    /// <summary>true: only in 64-bit mode; false: only outside.</summary>
    public bool? In64BitMode { get; set; }

    /// <summary>Operand sizes (16, 32, 64) and address sizes that the form is restricted to; empty: no restriction.</summary>
    public IReadOnlyList<int> OperandSizes { get; set; } = new int[0];

    public IReadOnlyList<int> AddressSizes { get; set; } = new int[0];

    public bool NeedsProtectedMode { get; set; }
    public bool RefusesCs { get; set; }
    public bool RefusesRexB { get; set; }
    public bool RefusesRexR { get; set; }

    /// <summary>ModRM.mod does not matter: the operand is a register.</summary>
    public bool IgnoresMod { get; set; }

    public bool NeedsStack { get; set; }
    public bool EntersMmx { get; set; }
    public bool IsX87 { get; set; }
    public bool IsSse { get; set; }

    /// <summary>Memory operands of 128 bits must be aligned.</summary>
    public bool NeedsAlignment { get; set; }

    /// <summary>Privilege level needed, or 3.</summary>
    public int Cpl { get; set; } = 3;

    /// <summary>ModRM.mod may be 3; also true without ModRM.</summary>
    public bool HasRegisterForm { get; set; }

    /// <summary>ModRM.mod may be another value than 3.</summary>
    public bool HasMemoryForm { get; set; }

    /// <summary>Events that wait: <c>ss</c>, <c>sti</c> or nothing.</summary>
    public string Shadow { get; set; } = "";

    /// <summary>Ways to be decoded: (context &amp; mask) == value.</summary>
    public IReadOnlyList<DecodePattern> Patterns { get; set; } = new DecodePattern[0];

    /// <summary>The operand that is memory, or may be.</summary>
    public Operand? Memory => Operands.FirstOrDefault(o => o.Kind.IsMemory && !o.Kind.IsString);

    /// <summary>The register from which a scalar result of a VEX form has the bits above it, up to 128.</summary>
    public Operand? Merges => Operands.Any(o => o.IsWritten && o.Kind.Class == OperandClass.Xmm && o.Kind.Width.Bits is > 0 and < 128)
        ? Operands.FirstOrDefault(o => o.Kind.Place == OperandPlace.Vvvv && o.Kind.Class == OperandClass.Xmm && !o.IsWritten) : null;

    /// <summary>The instruction may fault, leave, or be seen while half done: earlier flags have to be in the state.</summary>
    public bool MayFault =>
        Semantics.Tier != SemanticsTier.Pure || NeedsStack || Operands.Any(o => o.Kind.IsMemory && !o.Kind.IsAddressOnly) || IsX87 || EntersMmx;

    /// <summary>Opcodes that the form occupies: eight with <c>+r</c>.</summary>
    public int OpcodeCount => Encoding.HasOpcodeRegister ? 8 : 1;

    public override string ToString() => $"{Mnemonic} {Row.Text}";
}
