using System.Collections.Generic;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>A form with its memory operand in memory, or in a register: what one handler is written for.</summary>
sealed class FormVariant
{
    public FormVariant(Form form, bool isMemory)
    {
        Form = form;
        IsMemory = isMemory;
    }

    public Form Form { get; }

    /// <summary>There is a memory operand, so the handler has an address kind.</summary>
    public bool IsMemory { get; }

    /// <summary>The variants that a form has.</summary>
    public static IEnumerable<FormVariant> Of(Form form)
    {
        Operand? memory = form.Memory;
        bool isImplicit = memory != null && memory.Kind.Place != OperandPlace.ModrmRm;
        if (!isImplicit && (form.HasRegisterForm || memory == null))
        {
            yield return new FormVariant(form, false);
        }
        if (isImplicit || (memory != null && form.HasMemoryForm))
        {
            yield return new FormVariant(form, true);
        }
    }

    /// <summary>The memory operand that is accessed.</summary>
    public Operand? Memory => IsMemory && !Form.Memory!.Kind.IsAddressOnly ? Form.Memory : null;

    bool IsRaw => Form.Semantics.Tier == SemanticsTier.Raw;

    /// <summary>The handler is generic in T.</summary>
    public bool HasWidth => Form.Width != FormWidth.None && (!IsRaw || Form.Semantics.IsGenericInWidth);

    /// <summary>The handler is generic in the flavour.</summary>
    public bool HasFlavour => !IsRaw && (IsCarefulDifferent || Form.Flags.Changed != 0);

    /// <summary>The handler accesses memory or computes in two ways, so that the careful flavour differs from the fast one.</summary>
    public bool IsCarefulDifferent => Memory != null || Form.NeedsStack || Form.Semantics.Tier == SemanticsTier.Try;

    /// <summary>The C# type of an operand's value.</summary>
    public string TypeOf(Operand operand)
    {
        OperandKind kind = operand.Kind;
        if (kind.IsAddressOnly)
        {
            return "ulong";
        }
        if (kind.Class == OperandClass.Sti || kind.Place == OperandPlace.Is4)
        {
            return kind.Class == OperandClass.Sti ? "int" : VectorType(kind);
        }
        return kind.Width.Selector switch
        {
            WidthSelector.None when kind.Width.IsSignExtended => WidthType,
            WidthSelector.None => TypeOfBits(kind.Width.Bits),
            WidthSelector.L => VectorType(kind),
            _ => "T",
        };
    }

    /// <summary>T, or the type that stands for it in a form of one width.</summary>
    public string WidthType => Form.Width != FormWidth.None ? "T" : TypeOfBits(Form.FixedWidth);

    /// <summary>Size of a vector operand.</summary>
    public int VectorBytes(Operand operand) => VectorBits(operand.Kind) / 8;

    int VectorBits(OperandKind kind) => kind.Width.Selector == WidthSelector.L ? (Form.Encoding.IsVex && Form.L == 1 ? 256 : 128) : kind.Width.Bits;

    string VectorType(OperandKind kind) => TypeOfBits(VectorBits(kind));

    public static string TypeOfBits(int bits) => bits switch
    {
        8 => "byte",
        16 => "ushort",
        32 => "uint",
        64 => "ulong",
        128 => "Vector128<byte>",
        _ => "Vector256<byte>",
    };
}
