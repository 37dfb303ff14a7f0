using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>What the decoder has to know about a form, in three words. The runtime's FormRecord reads them.</summary>
sealed class FormRecord
{
    public uint Properties { get; private set; }
    public uint Registers { get; private set; }
    public uint Flags { get; private set; }

    public static FormRecord Of(Form form)
    {
        List<ImmediateField> fields = form.Encoding.Immediates;
        uint properties = 0;
        int position = 0;
        void Add(int bits, uint value)
        {
            properties |= value << position;
            position += bits;
        }
        Add(2, (uint)form.Width);
        Add(2, (uint)form.SizeRule);
        Add(4, fields.Count > 0 ? (uint)fields[0] + 1 : 0);
        Add(4, fields.Count > 1 ? (uint)fields[1] + 1 : 0);
        Add(3, (uint)form.End);
        Add(3, MemoryKind(form));
        Add(2, (uint)form.Lock);
        Add(2, (uint)form.Repeat);
        Add(2, Unit(form));
        Add(1, form.Operands.Any(o => o.Kind.Width.IsSignExtended) ? 1u : 0);
        Add(1, form.NeedsStack ? 1u : 0);
        Add(1, form.Cpl == 0 ? 1u : 0);
        Add(1, form.MayFault ? 1u : 0);
        return new FormRecord
        {
            Properties = properties,
            Registers = form.Operands.Take(3).Select((o, i) => Slot(o.Kind) << (8 * i)).Aggregate(0u, (a, b) => a | b),
            Flags = form.Flags.Read | form.Flags.Overwritten << 16,
        };
    }

    /// <summary>0 none, 1 ModRM, 2 moffs, 3 string, 4 DS:rBX + AL, 5 DS:rDI, 6 ModRM with a vector index, 7 DS:rAX.</summary>
    static uint MemoryKind(Form form)
    {
        if (form.Operands.Any(o => o.Kind.IsString))
        {
            return 3;
        }
        if (form.Memory is { Kind.HasVectorIndex: true })
        {
            return 6;
        }
        return form.Memory?.Kind.Place switch
        {
            null => 0,
            OperandPlace.ModrmRm => 1,
            OperandPlace.Moffs => 2,
            OperandPlace.Bx => 4,
            OperandPlace.DsAx => 7,
            _ => 5,
        };
    }

    /// <summary>The unit whose availability the system controls: 0 none, 1 x87, 2 MMX, 3 SSE.</summary>
    static uint Unit(Form form) =>
        form.IsX87 ? 1u : form.EntersMmx ? 2u : form.IsSse || form.Operands.Any(o => o.Kind.Class == OperandClass.Xmm) ? 3u : 0;

    const uint VectorIndex = 7;

    /// <summary>Where the register number is (reg, rm, vvvv, opcode) and, from bit 2 on, what it numbers; 0 when there is no field.</summary>
    static uint Slot(OperandKind kind)
    {
        if (kind.HasVectorIndex)
        {
            return VectorIndex << 2;
        }
        uint? place = kind.Place switch
        {
            OperandPlace.ModrmReg => 0,
            OperandPlace.ModrmRm => 1,
            OperandPlace.Vvvv => 2,
            OperandPlace.Opcode => 3,
            _ => null,
        };
        uint file = kind.Class switch
        {
            OperandClass.Gpr => kind.Width.Bits == 8 ? 1u : 2,
            OperandClass.Mmx => 3,
            OperandClass.Xmm => 4,
            OperandClass.Seg => 5,
            OperandClass.Cr or OperandClass.Dr or OperandClass.Sti => 6,
            _ => 0,
        };
        return place == null || file == 0 ? 0 : place.Value | file << 2;
    }
}
