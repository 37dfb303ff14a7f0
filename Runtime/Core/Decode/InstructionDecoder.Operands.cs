using System.Buffers.Binary;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Decode;

/// <summary>Second half of decoding: memory operand, immediates, and the fields of the op.</summary>
unsafe ref partial struct InstructionDecoder
{
    void Operands(int form, bool hasModrm, ulong rip, Op* op, ref Decoded decoded)
    {
        FormRecord record = new(form);
        bool isRipRelative = false;
        int defaultSegment = Ds;
        op->Base = op->Index = CpuState.ZeroOffset;
        if (hasModrm && IsMemory)
        {
            isRipRelative = addressSize == Width16 ? Modrm16(op, out defaultSegment) : Modrm(op, out defaultSegment);
        }
        int width = Width(record);
        if (record.Immediate != ImmediateField.None)
        {
            op->Imm = Immediate(record.Immediate, record, width);
            if (record.SecondImmediate != ImmediateField.None)
            {
                op->Imm |= Immediate(record.SecondImmediate, record, width) << 32;
            }
        }
        decoded.Status = status != DecodeStatus.Ok ? status : Check(record);
        if (decoded.Status != DecodeStatus.Ok)
        {
            return;
        }
        ulong next = rip + (ulong)position;
        if (isRipRelative)
        {
            op->Disp += next;
        }
        if (record.Immediate is ImmediateField.RelativeByte or ImmediateField.Relative)
        {
            op->Imm = Truncate(next + op->Imm, width);
        }
        if (record.Unit == FormUnit.X87)
        {
            // What the unit keeps as the last instruction's opcode; the i of ST(i) is in it.
            op->Imm = (opcode & 7u) << 8 | modrm;
        }
        Registers(record, op);
        if (record.Memory == MemoryPlace.VectorIndex && (op->R1 == op->R2 || op->R1 == op->R3 || op->R2 == op->R3))
        {
            // A gather changes result and mask while it goes on.
            decoded.Status = DecodeStatus.Undefined;
            return;
        }
        AddressKind address = Memory(record, op, hasModrm, defaultSegment, out bool isMemory);
        decoded.End = record.End;
        decoded.FlagsRead = record.FlagsRead;
        decoded.FlagsWritten = record.FlagsOverwritten;
        decoded.MayFault = record.MayFault;
        decoded.Key = new HandlerKey(form, width, isMemory, address, CpuMode.Stack(mode), Flavour(record, isMemory));
    }

    /// <summary>What forbids an instruction that exists.</summary>
    readonly DecodeStatus Check(FormRecord record)
    {
        bool mayLock = record.MayLock && record.Memory == MemoryPlace.Modrm && IsMemory;
        if (hasLock && !mayLock)
        {
            return DecodeStatus.Undefined;
        }
        if (record.Unit != FormUnit.None)
        {
            // CR0.EM and CR4.OSFXSR are for the older encodings; VEX has switches of its own.
            bool isEmulated = !isVex && (mode & CpuMode.FpuEmulation) != 0;
            uint needed = record.Unit != FormUnit.Sse ? 0 : isVex ? CpuMode.VectorExtensions : CpuMode.OsFxsr;
            if ((record.Unit != FormUnit.X87 && isEmulated) || (mode & needed) != needed)
            {
                return DecodeStatus.Undefined;
            }
            if (isEmulated || (mode & CpuMode.TaskSwitched) != 0)
            {
                return DecodeStatus.NotAvailable;
            }
        }
        return record.IsPrivileged && CpuMode.Cpl(mode) > 0 ? DecodeStatus.Privileged : DecodeStatus.Ok;
    }

    readonly int Width(FormRecord record)
    {
        int size = record.SizeRule switch
        {
            OperandSizeRule.Default64 when is64 => hasOperandPrefix && !w ? Width16 : Width64,
            OperandSizeRule.Force64 when is64 => Width64,
            _ => operandSize,
        };
        return record.Width switch
        {
            FormWidth.OperandSize32 => Math.Min(size, Width32),
            FormWidth.W => is64 && w ? Width64 : Width32,
            _ => size,
        };
    }

    readonly Flavour Flavour(FormRecord record, bool isMemory)
    {
        if (hasLock || (record.LocksAlways && isMemory))
        {
            return Execution.Flavour.Locked;
        }
        return (mode & CpuMode.AlignmentCheck) != 0 ? Execution.Flavour.Careful : Execution.Flavour.Fast;
    }

    ulong Immediate(ImmediateField field, FormRecord record, int width)
    {
        switch (field)
        {
            case ImmediateField.Byte:
                byte value = Next();
                return record.SignExtendsByte ? (ulong)(sbyte)value : value;
            case ImmediateField.Word:
                return Read(2);
            case ImmediateField.Doubleword:
                return Read(4);
            case ImmediateField.OperandSize32 or ImmediateField.Relative:
                return width == Width16 ? (ulong)(short)Read(2) : (ulong)(int)Read(4);
            case ImmediateField.OperandSize:
                return Read(2 << width);
            case ImmediateField.RelativeByte:
                return (ulong)(sbyte)Next();
            case ImmediateField.FarPointer:
                ulong offset = Read(width == Width16 ? 2 : 4);
                return offset | Read(2) << 32;
            case ImmediateField.Register:
                return (ulong)(CpuState.VectorOffset + CpuState.VectorSize * (Next() >> 4 & (is64 ? 15 : 7)));
            default:
                return Read(2 << addressSize);
        }
    }

    ulong Read(int size)
    {
        if (code.Length - position >= 8)
        {
            ulong all = BinaryPrimitives.ReadUInt64LittleEndian(code[position..]);
            position += size;
            return size == 8 ? all : all & ((1UL << (8 * size)) - 1);
        }
        ulong value = 0;
        for (int i = 0; i < size; i++)
        {
            value |= (ulong)Next() << (8 * i);
        }
        return value;
    }

    static ulong Truncate(ulong value, int width) => width switch { Width16 => (ushort)value, Width32 => (uint)value, _ => value };

    readonly void Registers(FormRecord record, Op* op)
    {
        uint fields = record.Registers;
        op->R1 = Register(fields & 0xFF);
        op->R2 = Register(fields >> 8 & 0xFF);
        op->R3 = Register(fields >> 16);
    }

    readonly ushort Register(uint field)
    {
        if (field == 0)
        {
            return 0;
        }
        int number = (field & 3) switch
        {
            0 => (modrm >> 3 & 7) | r,
            1 => (modrm & 7) | b,
            2 => is64 ? vvvv : vvvv & 7,
            _ => (opcode & 7) | b,
        };
        int offset = (RegisterFile)(field >> 2) switch
        {
            RegisterFile.Byte when number >= 4 && rex == 0 && !isVex => CpuState.GprOffset + 8 * (number - 4) + 1,
            RegisterFile.Byte or RegisterFile.General => CpuState.GprOffset + 8 * number,
            RegisterFile.Mmx => CpuState.FprOffset + 16 * (number & 7),
            RegisterFile.Vector => CpuState.VectorOffset + CpuState.VectorSize * number,
            RegisterFile.VectorIndex => CpuState.VectorOffset + CpuState.VectorSize * ((sib >> 3 & 7) | x),
            RegisterFile.Segment => CpuState.SegmentOffset + SegmentCache.Size * (number & 7),
            _ => number,
        };
        return (ushort)offset;
    }

    /// <summary>Completes the memory operand: segment and address kind.</summary>
    AddressKind Memory(FormRecord record, Op* op, bool hasModrm, int defaultSegment, out bool isMemory)
    {
        isMemory = false;
        switch (record.Memory)
        {
            case MemoryPlace.Modrm when hasModrm && IsMemory:
                break;
            case MemoryPlace.VectorIndex:
                op->Index = CpuState.ZeroOffset;
                op->Scale = (byte)(sib >> 6);
                break;
            case MemoryPlace.Moffs:
                op->Disp = op->Imm;
                break;
            case MemoryPlace.Xlat:
                op->Base = CpuState.GprOffset + 8 * 3;
                break;
            case MemoryPlace.DsDi:
                op->Base = CpuState.GprOffset + 8 * 7;
                break;
            case MemoryPlace.DsAx:
                op->Base = CpuState.GprOffset;
                break;
            case MemoryPlace.String:
                String(record, op);
                return default;
            default:
                return default;
        }
        isMemory = true;
        int used = segment == NoSegment ? defaultSegment : segment;
        bool isBaseOrLimitPossible = used >= Fs, isChecked = !is64 && IsChecked(used);
        op->Segment = isBaseOrLimitPossible || isChecked || addressSize == Width16 ? CacheOf(used) : FlatBaseOf(used);
        bool isBaseOnly = !isBaseOrLimitPossible && op->Index == CpuState.ZeroOffset;
        return addressSize switch
        {
            Width16 => AddressKind.Segmented16,
            Width64 => isBaseOnly ? AddressKind.Base64 : AddressKind.Full64,
            _ => is64 ? AddressKind.Long32 : isChecked ? AddressKind.Segmented32 : isBaseOnly ? AddressKind.Base32 : AddressKind.Flat32,
        };
    }

    static ushort CacheOf(int number) => (ushort)(CpuState.SegmentOffset + SegmentCache.Size * number);

    /// <summary>A word of zero, which also says whether what is out of range is a stack fault.</summary>
    static ushort FlatBaseOf(int number) => number == Ss ? (ushort)CpuState.ZeroStackOffset : (ushort)CpuState.ZeroOffset;

    readonly bool IsChecked(int number) => number switch
    {
        Fs => (mode & CpuMode.FsChecked) != 0,
        Gs => (mode & CpuMode.GsChecked) != 0,
        // A flat code segment still cannot be written.
        Cs => true,
        _ => (mode & CpuMode.FlatSegments) == 0,
    };

    /// <summary>String instructions make their own accesses: they get repetition, address mask and source segment.</summary>
    readonly void String(FormRecord record, Op* op)
    {
        int used = segment == NoSegment ? Ds : segment;
        bool isFlat = used < Fs && (is64 || !IsChecked(used));
        op->Segment = isFlat ? FlatBaseOf(used) : CacheOf(used);
        op->Disp = addressSize switch { Width16 => ushort.MaxValue, Width32 => uint.MaxValue, _ => ulong.MaxValue };
        op->Scale = record.IsRepeatable && repeat != 0 ? (byte)(repeat - 1) : (byte)0;
    }

    /// <summary>32-bit and 64-bit addresses. True: the displacement is relative to the next instruction.</summary>
    bool Modrm(Op* op, out int defaultSegment)
    {
        int mod = modrm >> 6, rm = modrm & 7;
        int register = rm | b;
        bool hasBase = true;
        if (rm == 4)
        {
            sib = Next();
            int index = (sib >> 3 & 7) | x;
            register = (sib & 7) | b;
            // Register 4 as an index means none; 12 is one.
            if (index != 4)
            {
                op->Index = General(index);
                op->Scale = (byte)(sib >> 6);
            }
            hasBase = mod != 0 || (sib & 7) != 5;
        }
        else if (mod == 0 && rm == 5)
        {
            hasBase = false;
        }
        defaultSegment = Ds;
        if (hasBase)
        {
            op->Base = General(register);
            defaultSegment = register is 4 or 5 ? Ss : Ds;
        }
        op->Disp = mod == 1 ? (ulong)(sbyte)Next() : mod == 2 || !hasBase ? (ulong)(int)Read(4) : 0;
        return is64 && mod == 0 && rm == 5;
    }

    static ushort General(int number) => (ushort)(CpuState.GprOffset + 8 * number);

    /// <summary>16-bit addresses: BX or BP plus SI or DI, or one of them.</summary>
    bool Modrm16(Op* op, out int defaultSegment)
    {
        const int Bx = 3, Bp = 5, Si = 6, Di = 7;
        int mod = modrm >> 6, rm = modrm & 7;
        bool hasBase = mod != 0 || rm != 6;
        if (hasBase)
        {
            op->Base = General(rm switch { 0 or 1 or 7 => Bx, 2 or 3 or 6 => Bp, 4 => Si, _ => Di });
            op->Index = rm < 4 ? General((rm & 1) == 0 ? Si : Di) : op->Index;
        }
        op->Disp = mod == 1 ? (ulong)(sbyte)Next() : mod == 2 || !hasBase ? (ulong)(short)Read(2) : 0;
        defaultSegment = hasBase && (rm is 2 or 3 or 6) ? Ss : Ds;
        return false;
    }
}
