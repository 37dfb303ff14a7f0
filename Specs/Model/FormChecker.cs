using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>Checks that the parts of a form fit each other.</summary>
static class FormChecker
{
    /// <summary>Register operands have fields in the op by position.</summary>
    const int RegisterFields = 3;

    public static void Check(Form form, SpecErrors errors)
    {
        Modrm(form, errors);
        Immediates(form, errors);
        Places(form, errors);
        Widths(form, errors);
        Accesses(form, errors);
        Attributes(form, errors);
    }

    static void Modrm(Form form, SpecErrors errors)
    {
        foreach (Operand operand in form.Operands.Where(o => o.Kind.IsModrm))
        {
            if (!form.Encoding.HasModrm)
            {
                errors.Add(operand.Word, $"`{operand.Word}` needs a ModRM byte");
            }
            // A digit says which control registers there are; the operand is the register all the same.
            else if (operand.Kind.Place == OperandPlace.ModrmReg && operand.Kind.Class != OperandClass.Cr && (form.Encoding.Digit != null || form.Encoding.FixedModrm != null))
            {
                errors.Add(operand.Word, $"`{operand.Word}`: ModRM.reg is a part of the opcode here");
            }
        }
        if (form.Operands.Count(o => o.Kind.IsMemory && !o.Kind.IsString) > 1)
        {
            errors.Add(form.Row.Place, "more than one memory operand");
        }
        if (!form.HasRegisterForm && !form.HasMemoryForm && form.Memory?.Kind.Place is null or OperandPlace.ModrmRm)
        {
            errors.Add(form.Row.Place, "neither a register nor a memory form is left");
        }
    }

    static void Immediates(Form form, SpecErrors errors)
    {
        List<Operand> operands = form.Operands.Where(o => Field(o.Kind) != null).ToList();
        List<ImmediateField> fields = form.Encoding.Immediates;
        if (!operands.Select(o => Field(o.Kind)!.Value).SequenceEqual(fields))
        {
            string expected = string.Join(" ", operands.Select(o => Field(o.Kind)).Select(f => f == ImmediateField.Moffs ? "mo" : f.ToString().ToLowerInvariant()));
            errors.Add(form.Row.Place, $"the operands need the immediate fields `{expected}`");
        }
        if (fields.Count > 2)
        {
            errors.Add(form.Row.Place, "more than two immediates");
        }
    }

    static ImmediateField? Field(OperandKind kind) => (kind.Place, kind.Class, kind.Width.Name) switch
    {
        (OperandPlace.Fixed, _, _) => null,
        (OperandPlace.Moffs, _, _) => ImmediateField.Moffs,
        (OperandPlace.Is4, _, _) => ImmediateField.Is4,
        (_, OperandClass.Far, _) => ImmediateField.Cp,
        (_, OperandClass.Rel, "b") => ImmediateField.Cb,
        (_, OperandClass.Rel, _) => ImmediateField.Cz,
        (_, OperandClass.Imm, "b" or "bs") => ImmediateField.Ib,
        (_, OperandClass.Imm, "w") => ImmediateField.Iw,
        (_, OperandClass.Imm, "d") => ImmediateField.Id,
        (_, OperandClass.Imm, "z") => ImmediateField.Iz,
        (_, OperandClass.Imm, _) => ImmediateField.Iv,
        _ => null,
    };

    static void Places(Form form, SpecErrors errors)
    {
        if (form.Operands.Any(o => o.Kind.Place == OperandPlace.Opcode) != form.Encoding.HasOpcodeRegister)
        {
            errors.Add(form.Row.Place, "`+r` and a `Z` operand go together");
        }
        for (int i = 0; i < form.Operands.Count; i++)
        {
            Operand operand = form.Operands[i];
            OperandKind kind = operand.Kind;
            if (kind.Place == OperandPlace.Vvvv && !form.Encoding.IsVex)
            {
                errors.Add(operand.Word, $"`{operand.Word}` needs VEX");
            }
            bool hasField = kind.Place is OperandPlace.ModrmReg or OperandPlace.Vvvv or OperandPlace.Opcode
                || (kind.Place == OperandPlace.ModrmRm && kind.Class != OperandClass.Mem);
            if (hasField && i >= RegisterFields)
            {
                errors.Add(operand.Word, $"`{operand.Word}`: only the first {RegisterFields} operands can be encoded registers");
            }
            if (form.Operands.Take(i).Any(o => o.Kind.Place == kind.Place && kind.Place is not (OperandPlace.Fixed or OperandPlace.Imm)))
            {
                errors.Add(operand.Word, $"`{operand.Word}`: another operand is encoded at the same place");
            }
            if (kind.IsBitString && (i + 1 == form.Operands.Count || form.Operands[i + 1].Kind.Class != OperandClass.Gpr))
            {
                errors.Add(operand.Word, $"`{operand.Word}` needs the register with the bit offset behind it");
            }
        }
    }

    static void Widths(Form form, SpecErrors errors)
    {
        foreach (Operand operand in form.Operands)
        {
            OperandKind kind = operand.Kind;
            bool isRegisterOrMemory = kind.Class is OperandClass.Gpr or OperandClass.Mem;
            if ((kind.Width.Selector == WidthSelector.W && form.Width != FormWidth.W)
                || (kind.Width.Selector == WidthSelector.OperandSize32 && isRegisterOrMemory && form.Width != FormWidth.OperandSize32))
            {
                errors.Add(operand.Word, $"`{operand.Word}` does not go with operands of width v; state the operand sizes in rows of their own");
            }
            if (kind.Width.IsSignExtended && form.Width == FormWidth.None && form.FixedWidth == 0)
            {
                errors.Add(operand.Word, $"`{operand.Word}`: there is no width to extend to");
            }
            if (kind.Width.Selector == WidthSelector.L && form.Encoding.IsVex && form.L == null)
            {
                errors.Add(operand.Word, $"`{operand.Word}` needs a vector length");
            }
            if (kind.Width.Selector == WidthSelector.W && form.Encoding.IsVex && !form.Encoding.WSelects)
            {
                errors.Add(operand.Word, $"`{operand.Word}` needs `W` in the VEX prefix");
            }
        }
        if (form.Semantics.IsGenericInWidth && form.Width == FormWidth.None && form.FixedWidth == 0)
        {
            errors.Add(form.Row.Attributes["sem"].Word, "<T>: no operand has an integer width");
        }
        if (form.Width != FormWidth.None && form.Widths.Count == 0)
        {
            errors.Add(form.Row.Place, "no operand size is left");
        }
    }

    static void Accesses(Form form, SpecErrors errors)
    {
        bool isRaw = form.Semantics.Tier == SemanticsTier.Raw;
        foreach (Operand operand in form.Operands)
        {
            OperandKind kind = operand.Kind;
            bool isConstant = kind.Class is OperandClass.Imm or OperandClass.Rel or OperandClass.Far or OperandClass.Rip || (kind.IsAddressOnly && !isRaw);
            if (operand.Access == OperandAccess.Merge && !(kind.Place == OperandPlace.Vvvv && kind.Class == OperandClass.Xmm && form.Merges != null))
            {
                errors.Add(operand.Word, "`:m` is for the `H` register above a written `V` or `U` of less than 128 bits");
            }
            else if (operand.IsWritten && isConstant)
            {
                errors.Add(operand.Word, $"`{operand.Word}` cannot be written");
            }
            else if (kind.Class == OperandClass.Push && operand.Access != OperandAccess.Write)
            {
                errors.Add(operand.Word, "a push is written: `Push:w`");
            }
            else if (kind.Class == OperandClass.Pop && operand.Access != OperandAccess.Read)
            {
                errors.Add(operand.Word, "a pop is read: `Pop`");
            }
            else if (!isRaw && (NeedsRaw(kind) || (operand.IsWritten && kind.Class is OperandClass.Seg or OperandClass.Sti)))
            {
                errors.Add(operand.Word, $"`{operand.Word}` takes a `raw:` row");
            }
        }
    }

    static bool NeedsRaw(OperandKind kind) =>
        kind.HasVectorIndex || kind.Class is OperandClass.Cr or OperandClass.Dr or OperandClass.Far || kind.IsString || kind.Width.Name is "t" or "p" or "s";

    static void Attributes(Form form, SpecErrors errors)
    {
        IReadOnlyDictionary<string, RowAttribute> attributes = form.Row.Attributes;
        if (form.End == FormEnd.Exit && form.Semantics.Tier != SemanticsTier.Raw)
        {
            errors.Add(attributes["end"].Word, "`end=exit` takes a `raw:` row");
        }
        if (form.End is FormEnd.Jcc or FormEnd.Jmp or FormEnd.Call != form.Operands.Any(o => o.Kind.Class == OperandClass.Rel))
        {
            errors.Add(form.Row.Place, "`end=jcc`, `jmp`, `call` and a `J` operand go together");
        }
        foreach ((string first, string second) in new[] { ("64", "!64"), ("d64", "f64"), ("reg", "mem"), ("aligned", "unaligned") })
        {
            if (attributes.ContainsKey(first) && attributes.TryGetValue(second, out RowAttribute attribute))
            {
                errors.Add(attribute.Word, $"`{first}` and `{second}` contradict each other");
            }
        }
    }
}
