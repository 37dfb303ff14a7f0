namespace FastVcpu.Decode;

/// <summary>What selects the operand width of a form.</summary>
enum FormWidth
{
    None,
    OperandSize,
    OperandSize32,
    W,
}

/// <summary>Operand size in 64-bit mode.</summary>
enum OperandSizeRule
{
    Normal,
    Default64,
    Force64,
}

/// <summary>An immediate field.</summary>
enum ImmediateField
{
    None,
    Byte,
    Word,
    Doubleword,
    /// <summary>16 or 32 bits by operand size.</summary>
    OperandSize32,
    OperandSize,
    RelativeByte,
    Relative,
    FarPointer,
    Moffs,
    Register,
}

/// <summary>Where the memory operand of a form is.</summary>
enum MemoryPlace
{
    None,
    Modrm,
    Moffs,
    String,
    /// <summary>DS:rBX + AL.</summary>
    Xlat,
    /// <summary>DS:rDI.</summary>
    DsDi,
    /// <summary>ModRM and SIB with a vector register as index.</summary>
    VectorIndex,
    /// <summary>DS:rAX.</summary>
    DsAx,
}

/// <summary>The unit that an instruction needs and that the system can switch off.</summary>
enum FormUnit
{
    None,
    X87,
    Mmx,
    Sse,
}

/// <summary>What a register operand's number stands for.</summary>
enum RegisterFile
{
    None,
    Byte,
    General,
    Mmx,
    Vector,
    Segment,
    /// <summary>The op holds the number itself.</summary>
    Number,
    /// <summary>Vector register that the index field of SIB names.</summary>
    VectorIndex,
}

/// <summary>A form's record in <see cref="DecodeTables.Forms"/>.</summary>
readonly struct FormRecord(int form)
{
    public const int Words = 3;

    readonly uint properties = DecodeTables.Forms[form * Words];
    readonly uint registers = DecodeTables.Forms[form * Words + 1];
    readonly uint flags = DecodeTables.Forms[form * Words + 2];

    public FormWidth Width => (FormWidth)(properties & 3);
    public OperandSizeRule SizeRule => (OperandSizeRule)(properties >> 2 & 3);
    public ImmediateField Immediate => (ImmediateField)(properties >> 4 & 15);
    public ImmediateField SecondImmediate => (ImmediateField)(properties >> 8 & 15);
    public BlockEnd End => (BlockEnd)(properties >> 12 & 7);
    public MemoryPlace Memory => (MemoryPlace)(properties >> 15 & 7);
    public bool MayLock => (properties >> 18 & 3) != 0;
    public bool LocksAlways => (properties >> 18 & 3) == 2;
    public bool IsRepeatable => (properties >> 20 & 3) != 0;
    public FormUnit Unit => (FormUnit)(properties >> 22 & 3);
    public bool SignExtendsByte => (properties >> 24 & 1) != 0;
    public bool NeedsStack => (properties >> 25 & 1) != 0;
    public bool IsPrivileged => (properties >> 26 & 1) != 0;
    public bool MayFault => (properties >> 27 & 1) != 0;
    public uint FlagsRead => flags & 0xFFFF;
    public uint FlagsOverwritten => flags >> 16;

    /// <summary>The fields of the three register operands, a byte each: place of the number, then from bit 2 on the register file.</summary>
    public uint Registers => registers;
}
