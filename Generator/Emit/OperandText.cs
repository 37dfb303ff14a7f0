using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>How operands that are no memory are read and written.</summary>
static class OperandText
{
    /// <summary>An expression of the operand's value.</summary>
    /// <param name="variant">The variant the text is for.</param>
    /// <param name="index">The operand's place in the row, from 0.</param>
    public static string Read(FormVariant variant, int index)
    {
        Operand operand = variant.Form.Operands[index];
        OperandKind kind = operand.Kind;
        string type = variant.TypeOf(operand);
        switch (kind.Class)
        {
            case OperandClass.Imm when kind.Place == OperandPlace.Fixed:
                return $"({type}){kind.Number}";
            case OperandClass.Imm:
                string value = ImmediateIndex(variant.Form.Operands, index) == 0 ? "op->Imm" : "op->Imm >> 32";
                return type == "T" ? $"Bits.Truncate<T>({value})" : value == "op->Imm" ? $"({type})op->Imm" : $"({type})({value})";
            case OperandClass.Rip:
                return "Bits.Truncate<T>(op->NextRip)";
            case OperandClass.Sti:
                return kind.Place == OperandPlace.Fixed ? "0" : $"op->R{index + 1}";
            case OperandClass.Seg:
                return $"((SegmentCache*)((byte*)s + {Offset(kind, index)}))->Selector";
            case OperandClass.Mem:
                return "TAddress.Effective(s, op, 0)";
            default:
                return $"Access.Get<{type}>(s, {Offset(kind, index)})";
        }
    }

    /// <summary>A statement that commits the operand.</summary>
    public static string Write(FormVariant variant, int index)
    {
        Operand operand = variant.Form.Operands[index];
        string type = variant.TypeOf(operand), offset = Offset(operand.Kind, index), value = $"r{index + 1}";
        return operand.Kind.Class switch
        {
            OperandClass.Xmm when variant.Form.Merges is Operand upper =>
                $"Vectors.SetAndMerge<{type}>(s, {offset}, {value}, op->R{variant.Form.Operands.TakeWhile(o => o != upper).Count() + 1});",
            OperandClass.Xmm when variant.Form.Encoding.IsVex => $"Vectors.SetAndClear<{type}>(s, {offset}, {value});",
            OperandClass.Xmm => $"Vectors.Set<{type}>(s, {offset}, {value});",
            OperandClass.Mmx => $"Mmx.Set(s, {offset}, {value});",
            _ => $"Access.Set<{type}>(s, {offset}, {value});",
        };
    }

    /// <summary>The state offset of a register operand.</summary>
    static string Offset(OperandKind kind, int index)
    {
        if (kind.Place == OperandPlace.Is4)
        {
            return "(int)op->Imm";
        }
        if (kind.Place != OperandPlace.Fixed)
        {
            return $"op->R{index + 1}";
        }
        return kind.Class switch
        {
            OperandClass.Xmm => $"CpuState.VectorOffset + {kind.Number} * CpuState.VectorSize",
            OperandClass.Seg => $"CpuState.SegmentOffset + {kind.Number} * SegmentCache.Size",
            // AH CH DH BH are the second bytes of the first four registers.
            _ when kind.Width.Bits == 8 && kind.Number >= 4 => $"CpuState.GprOffset + 8 * {kind.Number - 4} + 1",
            _ => $"CpuState.GprOffset + 8 * {kind.Number}",
        };
    }

    static int ImmediateIndex(IReadOnlyList<Operand> operands, int index)
    {
        int before = 0;
        for (int i = 0; i < index; i++)
        {
            before += operands[i].Kind.Place is OperandPlace.Imm or OperandPlace.Is4 ? 1 : 0;
        }
        return before;
    }
}
