using FastVcpu.Fuzz.Code;
using Iced.Intel;

namespace FastVcpu.Fuzz.Machines;

/// <summary>Random code of one size: instructions of programs, instructions of systems with operands that mean something, and plain random bytes.</summary>
sealed class SystemCode(InstructionPool pool)
{
    static readonly uint[] msrs =
    [
        0x10, 0x1B, 0x8B, 0x9E, 0xFE, 0x174, 0x175, 0x176, 0x179, 0x17A, 0x1A0, 0x1D9, 0x200, 0x201, 0x250, 0x277, 0x2FF, 0x6E0, 0x802, 0x80B, 0x830, 0xC0000080, 0xC0000081, 0xC0000082,
        0xC0000083, 0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, 0xC0000103, 0xC0010015, 0xC0010111, 0xC0010112, 0xC0010113,
    ];

    readonly List<byte> bytes = [];

    int Bits => pool.Bits;

    /// <summary>Fills a piece of memory with code.</summary>
    public void Fill(Random random, Span<byte> code)
    {
        bytes.Clear();
        while (bytes.Count < code.Length)
        {
            Append(random);
        }
        bytes.Slice(0, code.Length).ToArray().CopyTo(code);
    }

    void Append(Random random)
    {
        switch (random.Next(100))
        {
            case < 55:
                AppendProgram(random);
                break;
            case < 70:
                Load(random.Next(Bits == 64 ? 16 : 8), Value(random));
                break;
            case < 98:
                AppendSystem(random);
                break;
            default:
                for (int n = random.Next(1, 12); n > 0; n--)
                {
                    bytes.Add((byte)random.Next());
                }
                break;
        }
    }

    /// <summary>An instruction of the pool; displacements lead to memory, branches go a short way.</summary>
    void AppendProgram(Random random)
    {
        byte[] code = [.. pool.Next(random)];
        Decoder decoder = Decoder.Create(Bits, new ByteArrayCodeReader(code), DecoderOptions.AMD);
        decoder.Decode(out Instruction instruction);
        ConstantOffsets constants = decoder.GetConstantOffsets(instruction);
        if (constants.HasDisplacement && constants.DisplacementSize >= 2 && random.Next(10) > 0)
        {
            ulong target = Layout.Address(random);
            bool isRelative = instruction.MemoryBase is Register.RIP or Register.EIP, isWhole = instruction.MemoryBase == Register.None && instruction.MemoryIndex == Register.None;
            ulong displacement = isRelative ? (ulong)random.Next(-0x800, 0x800) : isWhole ? target : (ulong)random.Next(0x100);
            BitConverter.GetBytes(displacement).AsSpan(0, constants.DisplacementSize).CopyTo(code.AsSpan(constants.DisplacementOffset));
        }
        if (constants.HasImmediate && constants.ImmediateSize >= 2 && instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            BitConverter.GetBytes((long)random.Next(-0x100, 0x180)).AsSpan(0, constants.ImmediateSize).CopyTo(code.AsSpan(constants.ImmediateOffset));
        }
        bytes.AddRange(code);
    }

    void AppendSystem(Random random)
    {
        Prefix(random);
        switch (random.Next(22))
        {
            case 0:
                // MOV of control, debug and test registers.
                bytes.AddRange([0x0F, (byte)(0x20 + random.Next(7)), (byte)(0xC0 | random.Next(64))]);
                break;
            case 1:
                bytes.AddRange([0x0F, 0x01]);
                Operand(random, random.Next(8));
                break;
            case 2:
                bytes.AddRange([0x0F, 0x00]);
                Operand(random, random.Next(8));
                break;
            case 3:
                bytes.AddRange([0x0F, (byte)(2 + random.Next(2))]);
                Operand(random, random.Next(8));
                break;
            case 4:
                // MOV to segment registers.
                Load(random.Next(8), Layout.Selector(random));
                bytes.Add(0x8E);
                bytes.Add((byte)(0xC0 | random.Next(6) << 3 | random.Next(8)));
                break;
            case 5:
                bytes.Add((byte)(random.Next(2) == 0 ? 0x8E : 0x8C));
                Operand(random, random.Next(8));
                break;
            case 6:
                Push(Layout.Selector(random));
                bytes.AddRange(Pick<byte[]>(random, [0x07], [0x17], [0x1F], [0x0F, 0xA1], [0x0F, 0xA9]));
                break;
            case 7:
                bytes.AddRange(Pick<byte[]>(random, [0xC4], [0xC5], [0x0F, 0xB2], [0x0F, 0xB4], [0x0F, 0xB5]));
                Operand(random, random.Next(8));
                break;
            case 8:
                Load(1, Pick(random, msrs) + (random.Next(8) == 0 ? (uint)random.Next(16) : 0));
                if (random.Next(3) > 0)
                {
                    Load(0, Value(random));
                    Load(2, random.Next(4) > 0 ? 0 : Value(random));
                }
                bytes.AddRange([0x0F, (byte)(random.Next(3) == 0 ? 0x32 : 0x30)]);
                break;
            case 9 or 10:
                InterruptReturn(random);
                break;
            case 11:
                Push(Layout.Selector(random));
                Push(CodeAddress(random));
                bytes.Add(0xCB);
                break;
            case 12:
                FarDirect(random);
                break;
            case 13:
                bytes.Add(0xFF);
                Operand(random, random.Next(2) == 0 ? 3 : 5, isMemory: true);
                break;
            case 14:
                bytes.AddRange(random.Next(4) == 0 ? Pick<byte[]>(random, [0xCC], [0xF1], [0xCE]) : [0xCD, (byte)(random.Next(2) == 0 ? random.Next(32) : random.Next(256))]);
                break;
            case 15:
                SystemCall(random);
                break;
            case 16:
                bytes.AddRange(Pick<byte[]>(random, [0x9C], [0x9D], [0xFA], [0xFB], [0xF4], [0xCF], [0xCB], [0xC3], [0x0F, 0x06], [0x0F, 0x09], [0x0F, 0x31], [0x0F, 0x33], [0x0F, 0xA2], [0x0F, 0xAA]));
                break;
            case 17:
                // Ports, strings too.
                bytes.AddRange(Pick<byte[]>(random, [0xEC], [0xED], [0xEE], [0xEF], [0xE4, (byte)random.Next(256)], [0xE7, (byte)random.Next(256)], [0x6C], [0x6D], [0x6E], [0x6F]));
                break;
            case 18:
                bytes.AddRange([0x0F, Pick<byte>(random, 0xAE, 0xC7)]);
                Operand(random, random.Next(8));
                break;
            case 19:
                bytes.AddRange([0x66, 0x0F, 0x38, 0x82]);
                Operand(random, random.Next(8), isMemory: true);
                break;
            case 20:
                // Cache, hints and what is not there: all of the two-byte map.
                bytes.AddRange([0x0F, (byte)random.Next(256)]);
                Operand(random, random.Next(8));
                break;
            default:
                Push((uint)random.Next() & (random.Next(3) == 0 ? uint.MaxValue : 0x7FD5u));
                bytes.Add(0x9D);
                break;
        }
    }

    void Prefix(Random random)
    {
        if (random.Next(6) == 0)
        {
            bytes.Add(Pick<byte>(random, 0x66, 0x67, 0xF3, 0xF2, 0xF0, 0x2E, 0x64, 0x65, 0x36));
        }
        if (Bits == 64 && random.Next(4) == 0)
        {
            bytes.Add((byte)(0x48 | random.Next(8)));
        }
    }

    /// <summary>ModRM with a register field and an operand that lies at an address that means something, or is a register.</summary>
    void Operand(Random random, int register, bool isMemory = false)
    {
        if (!isMemory && random.Next(2) == 0)
        {
            bytes.Add((byte)(0xC0 | register << 3 | random.Next(8)));
            return;
        }
        ulong address = Layout.Address(random);
        switch (Bits)
        {
            case 16:
                bytes.AddRange([(byte)(register << 3 | 6), .. BitConverter.GetBytes((ushort)address)]);
                break;
            case 32:
                bytes.AddRange([(byte)(register << 3 | 5), .. BitConverter.GetBytes((uint)address)]);
                break;
            default:
                bytes.AddRange([(byte)(register << 3 | 4), 0x25, .. BitConverter.GetBytes((uint)address)]);
                break;
        }
    }

    void InterruptReturn(Random random)
    {
        bool toVirtual8086 = Bits == 32 && random.Next(6) == 0;
        if (toVirtual8086)
        {
            for (int i = 0; i < 4; i++)
            {
                Push((uint)random.Next(0x1000));
            }
        }
        if (Bits == 64 || toVirtual8086 || random.Next(2) == 0)
        {
            Push(toVirtual8086 ? (uint)random.Next(0x2000) : random.Next(3) == 0 ? Layout.Selector(random) : Pick<uint>(random, Layout.KernelData, Layout.UserData));
            Push((uint)(Layout.Stack + random.Next(Layout.StackSize)));
        }
        const uint Virtual8086 = 0x20000;
        Push((uint)random.Next() & 0x3FFFD5 & ~Virtual8086 | (toVirtual8086 ? Virtual8086 : 0) | 2);
        Push(random.Next(3) == 0 ? Layout.Selector(random) : Pick<uint>(random, Layout.KernelCode, Layout.UserCode, Layout.SmallCode, Layout.OtherCode));
        Push(CodeAddress(random));
        if (Bits == 64)
        {
            bytes.Add(0x48);
        }
        bytes.Add(0xCF);
    }

    void FarDirect(Random random)
    {
        uint target = CodeAddress(random);
        bytes.Add(Pick<byte>(random, 0x9A, 0xEA));
        bytes.AddRange(BitConverter.GetBytes(target).AsSpan(0, Bits == 16 ? 2 : 4));
        bytes.AddRange(BitConverter.GetBytes(Layout.Selector(random)));
    }

    void SystemCall(Random random)
    {
        // RCX and RDX are where SYSRET and SYSEXIT lead.
        Load(1, CodeAddress(random));
        Load(2, CodeAddress(random));
        if (Bits == 64 && random.Next(2) == 0)
        {
            bytes.Add(0x48);
        }
        bytes.AddRange(Pick<byte[]>(random, [0x0F, 0x05], [0x0F, 0x07], [0x0F, 0x34], [0x0F, 0x35]));
    }

    uint CodeAddress(Random random) => (uint)((Bits switch { 16 => Layout.Code16, 32 => Layout.Code32, _ => Layout.Code64 }) + random.Next(Layout.CodeSize));

    static ulong Value(Random random) => random.Next(12) switch
    {
        0 => Layout.Selector(random),
        1 => (ulong)random.Next(64),
        2 => 1UL << random.Next(64),
        3 => (ulong)random.NextInt64(),
        4 => 0x0000_8000_0000_0000 + (ulong)random.Next(-4096, 4096),
        // CR0 and CR4.
        5 => (uint)random.Next() & 0xE005_003F | 0x8000_0001,
        6 => (ulong)random.Next(1 << 22),
        7 => (ulong)(Layout.Extended + random.Next(16) * Layout.PageSize),
        _ => Layout.Address(random),
    };

    /// <summary>MOV of an immediate.</summary>
    void Load(int number, ulong value)
    {
        switch (Bits)
        {
            case 64:
                bytes.AddRange([(byte)(0x48 | number >> 3), (byte)(0xB8 | number & 7), .. BitConverter.GetBytes(value)]);
                break;
            case 32:
                bytes.AddRange([(byte)(0xB8 | number & 7), .. BitConverter.GetBytes((uint)value)]);
                break;
            default:
                bytes.AddRange([(byte)(0xB8 | number & 7), .. BitConverter.GetBytes((ushort)value)]);
                break;
        }
    }

    /// <summary>PUSH of an immediate; 16-bit code of the 8086 has to do with others.</summary>
    void Push(uint value) => bytes.AddRange([0x68, .. BitConverter.GetBytes(value).AsSpan(0, Bits == 16 ? 2 : 4)]);

    static T Pick<T>(Random random, params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];
}
