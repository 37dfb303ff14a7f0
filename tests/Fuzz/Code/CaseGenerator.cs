using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>Puts random instructions together: operands lead to memory most of the time, branches go forward, what is left undefined is overwritten.</summary>
/// <param name="pool">The instructions.</param>
/// <param name="kind">What kind of code.</param>
/// <param name="isTame">Operands are aligned and lie in their segments, and no case has both MMX and x87 instructions: for a reference that does not look at that.</param>
sealed class CaseGenerator(InstructionPool pool, CodeKind kind, bool isTame = false)
{
    const int MostPieces = 24, MostRounds = 5;

    /// <summary>Comparisons define the condition bits of the x87 status word themselves.</summary>
    static readonly HashSet<Mnemonic> DefinesConditions =
    [
        Mnemonic.Fcom, Mnemonic.Fcomp, Mnemonic.Fcompp, Mnemonic.Fucom, Mnemonic.Fucomp, Mnemonic.Fucompp, Mnemonic.Ficom, Mnemonic.Ficomp, Mnemonic.Ftst,
        Mnemonic.Fxam, Mnemonic.Fnstsw, Mnemonic.Fnclex, Mnemonic.Fninit, Mnemonic.Wait,
    ];

    readonly List<byte> bytes = [];
    readonly List<Fixup> fixups = [];
    bool? hasMmx;

    public Recipe Next(Random random)
    {
        hasMmx = null;
        Piece[] pieces = new Piece[1 + random.Next(MostPieces)];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = MakePiece(random);
        }
        return new Recipe(kind, random.Next(), pieces, 1 + random.Next(MostRounds));
    }

    Piece MakePiece(Random random)
    {
        bytes.Clear();
        fixups.Clear();
        byte[] chosen;
        Decoder decoder;
        Instruction instruction;
        do
        {
            chosen = pool.Next(random);
            decoder = Decoder.Create(pool.Bits, new ByteArrayCodeReader(chosen), DecoderOptions.AMD);
            decoder.IP = TestCase.CodeStart;
            decoder.Decode(out instruction);
        }
        while (isTame && MixesUnits(instruction));
        byte[] code = [.. chosen];
        ConstantOffsets constants = decoder.GetConstantOffsets(instruction);

        Prepare(random, instruction);
        ulong? displacement = instruction.MemoryDisplSize != 0 || instruction.MemoryBase != Register.None || instruction.MemoryIndex != Register.None
            ? PointToMemory(random, instruction, constants, code)
            : null;
        int start = bytes.Count;
        bytes.AddRange(code);
        if (displacement is { } target)
        {
            fixups.Add(new Fixup(FixupKind.RelativeToAddress, start + constants.DisplacementOffset, 4, bytes.Count, target));
        }
        if (constants.HasImmediate && instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            fixups.Add(new Fixup(FixupKind.RelativeToPiece, start + constants.ImmediateOffset, constants.ImmediateSize, bytes.Count, (ulong)random.Next(1, 4)));
        }
        if (instruction.RflagsUndefined != RflagsBits.None)
        {
            bytes.AddRange([0x39, 0xC8]);
        }
        if (IsX87(instruction) && !DefinesConditions.Contains(instruction.Mnemonic))
        {
            bytes.AddRange([0xD9, 0xE5]);
        }
        return new Piece(chosen, [.. bytes], [.. fixups]);
    }

    public static bool IsX87(in Instruction instruction) => instruction.CpuidFeatures.Any(feature => feature is CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387);

    public static bool IsMmx(in Instruction instruction) => instruction.Op0Register.IsMM() || instruction.Op1Register.IsMM();

    /// <summary>Whether an instruction is one of MMX in a case with x87 instructions, or the other way round.</summary>
    bool MixesUnits(in Instruction instruction)
    {
        bool isMmx = IsMmx(instruction);
        if (isMmx || IsX87(instruction))
        {
            hasMmx ??= isMmx;
            return hasMmx != isMmx;
        }
        return false;
    }

    /// <summary>Sets implicit operands.</summary>
    void Prepare(Random random, in Instruction instruction)
    {
        if (instruction.IsStackInstruction && random.Next(4) > 0 && instruction.Mnemonic is not (Mnemonic.Ret or Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq))
        {
            Load(4, StackOffset(random));
        }
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Ret:
                Load(4, StackOffset(random));
                Push(0);
                fixups.Add(new Fixup(FixupKind.OffsetOfPiece, bytes.Count - PushSize, PushSize, bytes.Count, 1));
                break;
            case Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq:
                Load(4, StackOffset(random));
                Push((uint)random.Next() & (random.Next(20) == 0 ? uint.MaxValue : 0x240CD7));
                break;
            case Mnemonic.Jmp or Mnemonic.Call when instruction.Op0Kind == OpKind.Register:
                Load(Number(instruction.Op0Register), 0);
                fixups.Add(new Fixup(FixupKind.OffsetOfPiece, bytes.Count - PointerSize, PointerSize, bytes.Count, 1));
                break;
            case Mnemonic.Leave:
                Load(5, StackOffset(random));
                break;
            case Mnemonic.Xlatb:
                Load(3, DataOffset(random));
                break;
            case Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu:
                Load(7, DataOffset(random));
                break;
            case Mnemonic.Div or Mnemonic.Idiv when random.Next(4) > 0:
                Load(2, 0);
                break;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc when instruction.Op0Kind == OpKind.Memory && instruction.Op1Kind == OpKind.Register:
                Load(Number(instruction.Op1Register), (ulong)random.Next(-2000, 2000));
                break;
        }
        if (instruction.IsStringInstruction && random.Next(8) > 0)
        {
            Load(6, DataOffset(random));
            Load(7, DataOffset(random));
            Load(1, (ulong)random.Next(40));
        }
    }

    /// <summary>Loads base and index, or changes the displacement. The result is the target of an operand that is relative to RIP.</summary>
    ulong? PointToMemory(Random random, in Instruction instruction, ConstantOffsets constants, byte[] code)
    {
        ulong target = isTame ? TestCase.DataStart + (ulong)random.Next(256) * 16 : Target(random);
        // CPUs do not agree on an operand that wraps at 4 GiB, as one below the base of its segment may.
        if (kind == CodeKind.Compatibility && instruction.MemorySegment is Register.FS or Register.GS)
        {
            target = SegmentBase(instruction) + target % 0x800;
        }
        ulong offset = target - SegmentBase(instruction);
        Register first = instruction.MemoryBase, index = instruction.MemoryIndex;
        if (first is Register.RIP or Register.EIP)
        {
            return offset;
        }
        if (first == Register.None && index == Register.None)
        {
            BitConverter.GetBytes(offset).AsSpan(0, constants.DisplacementSize).CopyTo(code.AsSpan(constants.DisplacementOffset));
            return null;
        }
        offset -= instruction.MemoryDisplacement64;
        if (index.IsVectorRegister())
        {
            index = Register.None;
        }
        if (index != Register.None && index != first)
        {
            ulong value = first == Register.None ? offset / (ulong)instruction.MemoryIndexScale : (ulong)random.Next(-64, 64);
            offset -= value * (ulong)instruction.MemoryIndexScale;
            LoadAddress(index, value);
        }
        else if (index != Register.None)
        {
            offset /= (ulong)instruction.MemoryIndexScale + 1;
        }
        if (first != Register.None)
        {
            LoadAddress(first, offset);
        }
        return null;
    }

    static ulong Target(Random random) => random.Next(40) switch
    {
        0 => TestCase.CodeStart + (ulong)random.Next(256),
        1 => TestCase.DataStart - 8 + (ulong)random.Next(16),
        2 => TestCase.DataStart + TestCase.DataSize - (ulong)random.Next(70),
        3 or 4 => TestCase.DataStart + 4096 - (ulong)random.Next(64),
        5 or 6 => TestCase.StackStart + (ulong)random.Next(TestCase.StackSize),
        < 26 => TestCase.DataStart + (ulong)random.Next(TestCase.DataSize / 32) * 32,
        _ => TestCase.DataStart + (ulong)random.Next(TestCase.DataSize),
    };

    ulong SegmentBase(in Instruction instruction) => kind switch
    {
        CodeKind.Segmented16 => instruction.MemorySegment switch
        {
            Register.CS => TestCase.CodeStart,
            Register.SS => TestCase.StackStart,
            _ => TestCase.DataStart,
        },
        _ => instruction.MemorySegment switch
        {
            Register.FS => TestCase.FsBase,
            Register.GS => TestCase.GsBase,
            _ => 0,
        },
    };

    ulong StackOffset(Random random) => (kind == CodeKind.Segmented16 ? 0 : TestCase.StackStart) + (ulong)random.Next(0x400, 0xC00) / 8 * 8 + (random.Next(20) == 0 ? 1UL : 0);

    ulong DataOffset(Random random) => (kind == CodeKind.Segmented16 ? 0 : TestCase.DataStart) + (ulong)random.Next(TestCase.DataSize);

    /// <summary>Bytes of the immediate of <see cref="Load"/>.</summary>
    int PointerSize => kind switch
    {
        CodeKind.Long => 8,
        _ => 4,
    };

    int PushSize => kind == CodeKind.Segmented16 ? 2 : 4;

    /// <summary>MOV of an immediate to a general register of the full width.</summary>
    void Load(int number, ulong value)
    {
        switch (kind)
        {
            case CodeKind.Long:
                bytes.AddRange([(byte)(0x48 | number >> 3), (byte)(0xB8 | number & 7), .. BitConverter.GetBytes(value)]);
                break;
            case CodeKind.Compatibility:
                bytes.AddRange([(byte)(0xB8 | number & 7), .. BitConverter.GetBytes((uint)value)]);
                break;
            default:
                bytes.AddRange([0x66, (byte)(0xB8 | number & 7), .. BitConverter.GetBytes((uint)value)]);
                break;
        }
    }

    void LoadAddress(Register register, ulong value) => Load(Number(register), register.IsGPR16() ? (ushort)value : register.IsGPR32() ? (uint)value : value);

    static int Number(Register register) => register.GetFullRegister() - Register.RAX;

    void Push(uint value) => bytes.AddRange([0x68, .. BitConverter.GetBytes(value).AsSpan(0, PushSize)]);
}
