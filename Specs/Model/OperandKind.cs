namespace FastVcpu.Specs;

/// <summary>Where an operand is encoded.</summary>
public enum OperandPlace
{
    ModrmRm,
    ModrmReg,
    Vvvv,
    Opcode,
    Imm,
    Is4,
    Moffs,
    /// <summary>DS:rSI.</summary>
    Si,
    /// <summary>ES:rDI.</summary>
    Di,
    /// <summary>DS:rBX + AL.</summary>
    Bx,
    /// <summary>DS:rDI.</summary>
    DsDi,
    /// <summary>DS:rAX.</summary>
    DsAx,
    /// <summary>A fixed name.</summary>
    Fixed,
}

/// <summary>What an operand is when it is no memory.</summary>
public enum OperandClass
{
    Gpr,
    Mmx,
    Xmm,
    Seg,
    Cr,
    Dr,
    Sti,
    /// <summary>Memory only.</summary>
    Mem,
    Imm,
    Rel,
    Far,
    Rip,
    Push,
    Pop,
}

/// <summary>What selects the size of an operand.</summary>
public enum WidthSelector
{
    /// <summary>Nothing: the size is fixed.</summary>
    None,
    /// <summary>Operand size: 16, 32, 64.</summary>
    OperandSize,
    /// <summary>Operand size, but not above 32.</summary>
    OperandSize32,
    /// <summary>REX.W or VEX.W: 32, 64.</summary>
    W,
    /// <summary>VEX.L: 128, 256.</summary>
    L,
}

/// <summary>A width of the operand table.</summary>
public sealed class OperandWidth
{
    public OperandWidth(string name, WidthSelector selector, int bits)
    {
        Name = name;
        Selector = selector;
        Bits = bits;
    }

    public string Name { get; }
    public WidthSelector Selector { get; }

    /// <summary>Size in bits when it is fixed; 0 for operands without a value.</summary>
    public int Bits { get; }

    /// <summary>The value is sign-extended from this width to T (<c>Ibs</c>).</summary>
    public bool IsSignExtended => Name == "bs";
}

/// <summary>An operand that rows may name.</summary>
public sealed class OperandKind
{
    public OperandKind(string name, OperandPlace place, OperandClass @class, bool mayBeMemory, bool isBitString, bool hasVectorIndex, int number, OperandWidth width)
    {
        Name = name;
        Place = place;
        Class = @class;
        MayBeMemory = mayBeMemory;
        IsBitString = isBitString;
        HasVectorIndex = hasVectorIndex;
        Number = number;
        Width = width;
    }

    public string Name { get; }
    public OperandPlace Place { get; }
    public OperandClass Class { get; }

    /// <summary>Memory, when ModRM.mod says so.</summary>
    public bool MayBeMemory { get; }

    /// <summary>The memory form is displaced by the signed bit offset in the operand that follows.</summary>
    public bool IsBitString { get; }

    /// <summary>Memory with a vector register as index (VSIB).</summary>
    public bool HasVectorIndex { get; }

    /// <summary>Register number or value of a fixed operand.</summary>
    public int Number { get; }

    public OperandWidth Width { get; }

    /// <summary>Memory, always or when ModRM.mod says so; the stack does not count.</summary>
    public bool IsMemory => Class == OperandClass.Mem || MayBeMemory;

    public bool IsModrm => Place is OperandPlace.ModrmRm or OperandPlace.ModrmReg;

    /// <summary>An address that is not accessed.</summary>
    public bool IsAddressOnly => Class == OperandClass.Mem && Width.Name == "-";

    /// <summary>A string operand.</summary>
    public bool IsString => Place is OperandPlace.Si or OperandPlace.Di;
}
