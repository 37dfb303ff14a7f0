using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Where an operand of a comparison is.</summary>
enum CompareOperand
{
    None,
    First,
    Second,
    Memory,
    Immediate,
    Accumulator,
    /// <summary>DS:rSI.</summary>
    Source,
    /// <summary>ES:rDI.</summary>
    Destination,
    /// <summary>A near call: what C passes as its first and second argument.</summary>
    Arguments,
}

/// <summary>What an instruction compares, found from its bytes; kept in <see cref="Op.R3"/> of the op in front of it.</summary>
/// <param name="Left">First operand.</param>
/// <param name="Right">Second operand.</param>
/// <param name="SizeShift">Size in bytes as a power of two.</param>
/// <param name="Address">Kind of address of a memory operand.</param>
readonly record struct CompareSite(CompareOperand Left, CompareOperand Right, int SizeShift, AddressKind Address)
{
    /// <summary>The site in 16 bits; 0 when the instruction compares nothing.</summary>
    public ushort Packed => Left == CompareOperand.None ? (ushort)0 : (ushort)((int)Left | (int)Right << 4 | SizeShift << 8 | (int)Address << 12);

    public static CompareSite Unpack(ushort packed) => new((CompareOperand)(packed & 15), (CompareOperand)(packed >> 4 & 15), packed >> 8 & 15, (AddressKind)(packed >> 12));

    /// <summary>It is a call, which may be one of a function that compares.</summary>
    public bool IsCall => Left == CompareOperand.Arguments;

    /// <summary>Looks at an instruction that has been decoded.</summary>
    public static CompareSite Of(ReadOnlySpan<byte> code, bool is64, HandlerKey key)
    {
        int at = 0;
        while (at < code.Length && code[at] is 0x26 or 0x2E or 0x36 or 0x3E or (>= 0x64 and <= 0x67) or 0xF0 or 0xF2 or 0xF3)
        {
            at++;
        }
        if (is64 && at < code.Length && code[at] is >= 0x40 and <= 0x4F)
        {
            at++;
        }
        if (at >= code.Length)
        {
            return default;
        }
        int opcode = code[at];
        if (opcode == 0x0F && at + 1 < code.Length)
        {
            opcode = 0x0F00 | code[++at];
        }
        int digit = at + 1 < code.Length ? code[at + 1] >> 3 & 7 : 0;
        CompareOperand place = key.IsMemory ? CompareOperand.Memory : CompareOperand.First;
        (CompareOperand left, CompareOperand right) = opcode switch
        {
            0x38 or 0x39 or 0x28 or 0x29 or 0x84 or 0x85 => (place, CompareOperand.Second),
            0x3A or 0x3B or 0x2A or 0x2B => (CompareOperand.First, key.IsMemory ? CompareOperand.Memory : CompareOperand.Second),
            0x3C or 0x3D or 0x2C or 0x2D or 0xA8 or 0xA9 => (CompareOperand.Accumulator, CompareOperand.Immediate),
            0x80 or 0x81 or 0x83 when digit is 5 or 7 => (place, CompareOperand.Immediate),
            0xF6 or 0xF7 when digit is 0 or 1 => (place, CompareOperand.Immediate),
            0xA6 or 0xA7 => (CompareOperand.Source, CompareOperand.Destination),
            0xAE or 0xAF => (CompareOperand.Accumulator, CompareOperand.Destination),
            0x0FB0 or 0x0FB1 => (CompareOperand.Accumulator, place),
            0xE8 => (CompareOperand.Arguments, CompareOperand.None),
            0xFF when digit is 2 => (CompareOperand.Arguments, CompareOperand.None),
            _ => (CompareOperand.None, CompareOperand.None),
        };
        return new CompareSite(left, right, (opcode & 1) == 0 ? 0 : key.Width + 1, key.Address);
    }

    /// <summary>Reads the operands and puts them into the log of the CPU. Nothing of the guest changes; an operand that cannot be read is not logged.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static unsafe void Record(CpuState* s, Op* op)
    {
        Vcpu cpu = Vcpu.Of(s);
        CompareSite site = Unpack(op->R3);
        if (cpu.CompareLog is not { } log)
        {
            return;
        }
        if (site.IsCall)
        {
            if (TryReadArguments(cpu, s, out ulong first, out ulong second))
            {
                log.AddCall(cpu, op->Rip, first, second);
            }
        }
        else if (site.TryRead(cpu, s, op, site.Left, out ulong left) && site.TryRead(cpu, s, op, site.Right, out ulong right))
        {
            log.Add(new Comparison(op->Rip, left, right, 1 << site.SizeShift, site.Right == CompareOperand.Immediate));
        }
    }

    /// <summary>In registers, or on top of the stack.</summary>
    static unsafe bool TryReadArguments(Vcpu cpu, CpuState* s, out ulong first, out ulong second)
    {
        if ((s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64)
        {
            (first, second) = (s->Rdi, s->Rsi);
            return true;
        }
        Span<byte> words = stackalloc byte[2 * sizeof(uint)];
        bool isRead = cpu.TryReadLinear((uint)(s->Ss.Base + s->Rsp), words);
        (first, second) = (BitConverter.ToUInt32(words), BitConverter.ToUInt32(words[sizeof(uint)..]));
        return isRead;
    }

    unsafe bool TryRead(Vcpu cpu, CpuState* s, Op* op, CompareOperand operand, out ulong value)
    {
        bool is64 = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        Span<byte> part = bytes[..(1 << SizeShift)];
        bool isRead = true;
        switch (operand)
        {
            case CompareOperand.Memory:
                isRead = cpu.TryReadLinear(LinearAddress(s, op), part);
                break;
            case CompareOperand.Source:
                isRead = cpu.TryReadLinear(*(ulong*)((byte*)s + op->Segment) + (is64 ? s->Rsi : (uint)s->Rsi), part);
                break;
            case CompareOperand.Destination:
                isRead = cpu.TryReadLinear(is64 ? s->Rdi : s->Es.Base + (uint)s->Rdi, part);
                break;
            case CompareOperand.Immediate:
                new ReadOnlySpan<byte>(&op->Imm, part.Length).CopyTo(part);
                break;
            default:
                int offset = operand switch { CompareOperand.First => op->R1, CompareOperand.Second => op->R2, _ => CpuState.GprOffset };
                new ReadOnlySpan<byte>((byte*)s + offset, part.Length).CopyTo(part);
                break;
        }
        value = BitConverter.ToUInt64(bytes);
        return isRead;
    }

    unsafe ulong LinearAddress(CpuState* s, Op* op) => Address switch
    {
        AddressKind.Base64 => Base64.Effective(s, op, 0),
        AddressKind.Full64 => Full64.Effective(s, op, 0) + *(ulong*)((byte*)s + op->Segment),
        AddressKind.Base32 => Base32.Effective(s, op, 0),
        AddressKind.Flat32 => Flat32.Effective(s, op, 0),
        AddressKind.Long32 => Long32.Effective(s, op, 0) + *(ulong*)((byte*)s + op->Segment),
        AddressKind.Segmented16 => Segmented16.Effective(s, op, 0) + *(ulong*)((byte*)s + op->Segment),
        _ => Segmented32.Effective(s, op, 0) + *(ulong*)((byte*)s + op->Segment),
    };
}
