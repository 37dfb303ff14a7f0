using FastVcpu.Execution;
using FastVcpu.Memory;

namespace FastVcpu.Decode;

/// <summary>The decoding of one instruction: prefixes, opcode, choice of the form.</summary>
unsafe ref partial struct InstructionDecoder
{
    const int Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5, NoSegment = -1;
    const int MapOneByte = 0, Map0F = 1, Map0F38 = 2, Map0F3A = 3, MapVex = 3;
    const int Width16 = 0, Width32 = 1, Width64 = 2;

    readonly ReadOnlySpan<byte> code;
    readonly uint mode;
    readonly FeatureSet features;
    readonly bool is64;

    int position;
    DecodeStatus status;

    bool hasOperandPrefix, hasAddressPrefix, hasLock, isVex;
    /// <summary>VEX behind a prefix that it replaces: undefined whatever follows.</summary>
    bool isRefused;
    /// <summary>0, or 2 for F3, 3 for F2: as in the context.</summary>
    uint repeat;
    int segment;
    uint rex;
    /// <summary>W of REX or VEX.</summary>
    bool w;
    /// <summary>Eighth bit of register numbers: ModRM.reg, SIB.index, and ModRM.rm, SIB.base or the opcode.</summary>
    int r, x, b;
    int vvvv;
    int vectorLength;
    uint vexPrefix;

    int operandSize, addressSize;
    byte opcode, modrm, sib;

    public InstructionDecoder(ReadOnlySpan<byte> code, uint mode, FeatureSet features)
    {
        this.code = code.Length > Decoder.MaxLength ? code[..Decoder.MaxLength] : code;
        this.mode = mode;
        this.features = features;
        is64 = (mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
        segment = NoSegment;
    }

    /// <summary>Bytes consumed.</summary>
    public readonly int Position => position;

    readonly bool IsProtected => (mode & (CpuMode.Protected | CpuMode.Virtual8086)) == CpuMode.Protected;

    readonly bool IsMemory => modrm < 0xC0;

    public void Decode(ulong rip, Op* op, out Decoded decoded)
    {
        decoded = default;
        int map = Opcode(Prefixes());
        uint entry = map < 0 ? 0 : DecodeTables.Opcodes[map << 8 | opcode];
        bool hasModrm = (int)entry < 0;
        if (hasModrm)
        {
            modrm = Next();
            modrm |= (entry >> 30 & 1) != 0 ? (byte)0xC0 : (byte)0;
        }
        Sizes();
        int form = status == DecodeStatus.Ok && !isRefused ? Find(entry) : -1;
        if (form < 0)
        {
            if (status == DecodeStatus.Ok)
            {
                ReadUndefined(map, entry, hasModrm);
            }
            decoded.Status = status == DecodeStatus.Ok ? DecodeStatus.Undefined : status;
            return;
        }
        Operands(form, hasModrm, rip, op, ref decoded);
    }

    /// <summary>The next byte. Beyond the end it is 0 and the status says why.</summary>
    byte Next()
    {
        if (position < code.Length)
        {
            return code[position++];
        }
        if (status == DecodeStatus.Ok)
        {
            status = position == Decoder.MaxLength ? DecodeStatus.TooLong : DecodeStatus.Incomplete;
        }
        return 0;
    }

    /// <summary>Reads legacy prefixes and REX; returns the byte behind them.</summary>
    byte Prefixes()
    {
        bool has386 = features.Has(CpuFeature.I386);
        for (; ; )
        {
            byte value = Next();
            switch (value)
            {
                case 0x26:
                    SegmentPrefix(Es);
                    break;
                case 0x2E:
                    SegmentPrefix(Cs);
                    break;
                case 0x36:
                    SegmentPrefix(Ss);
                    break;
                case 0x3E:
                    SegmentPrefix(Ds);
                    break;
                case 0x64 when has386:
                    segment = Fs;
                    break;
                case 0x65 when has386:
                    segment = Gs;
                    break;
                case 0x66 when has386:
                    hasOperandPrefix = true;
                    break;
                case 0x67 when has386:
                    hasAddressPrefix = true;
                    break;
                case 0xF0:
                    hasLock = true;
                    break;
                case 0xF2:
                    repeat = 3;
                    break;
                case 0xF3:
                    repeat = 2;
                    break;
                case >= 0x40 and <= 0x4F when is64:
                    rex = value;
                    continue;
                default:
                    ApplyRex();
                    return value;
            }
            // A REX prefix counts directly before the opcode only.
            rex = 0;
        }
    }

    /// <summary>64-bit mode ignores ES, CS, SS and DS; an FS or GS before them stays.</summary>
    void SegmentPrefix(int number)
    {
        if (!is64)
        {
            segment = number;
        }
    }

    void ApplyRex()
    {
        w = (rex & 8) != 0;
        r = (int)(rex & 4) << 1;
        x = (int)(rex & 2) << 2;
        b = (int)(rex & 1) << 3;
    }

    /// <summary>Reads the opcode; returns its map, or -1.</summary>
    int Opcode(byte first)
    {
        opcode = first;
        switch (first)
        {
            case 0x0F when features.Has(CpuFeature.I286):
                opcode = Next();
                int map = opcode switch { 0x38 => Map0F38, 0x3A => Map0F3A, _ => Map0F };
                opcode = map == Map0F ? opcode : Next();
                return map;
            case 0xC4 or 0xC5 when IsProtected && (is64 || IsVexOutside64()):
                return Vex(first);
            default:
                return MapOneByte;
        }
    }

    /// <summary>Outside 64-bit mode C4 and C5 are LES and LDS, which have no register form.</summary>
    readonly bool IsVexOutside64() => position < code.Length && code[position] >= 0xC0;

    int Vex(byte first)
    {
        isRefused = hasLock || hasOperandPrefix || repeat != 0 || rex != 0;
        isVex = true;
        byte payload = Next();
        int map = 1;
        r = ~payload >> 4 & 8;
        if (first == 0xC4)
        {
            x = ~payload >> 3 & 8;
            b = ~payload >> 2 & 8;
            map = payload & 0x1F;
            payload = Next();
            w = payload >= 0x80;
        }
        vvvv = ~payload >> 3 & 15;
        vectorLength = payload >> 2 & 1;
        // 66 F3 F2 are 1, 2, 3 here and in the context.
        vexPrefix = payload & 3u;
        if (!is64)
        {
            r = x = b = 0;
        }
        opcode = Next();
        return map is >= 1 and <= 3 ? MapVex + map : -1;
    }

    void Sizes()
    {
        bool is32 = (mode & CpuMode.CodeSizeMask) == CpuMode.Code32;
        operandSize = is64 && w ? Width64 : (is64 || is32) != hasOperandPrefix ? Width32 : Width16;
        addressSize = is64 ? (hasAddressPrefix ? Width32 : Width64) : is32 != hasAddressPrefix ? Width32 : Width16;
    }

    /// <summary>The most specific form that matches, or -1.</summary>
    readonly int Find(uint entry)
    {
        uint context = Context();
        int start = (int)(entry & 0xFFFF) * 3, end = start + (int)(entry >> 16 & 0x3FFF) * 3;
        ReadOnlySpan<uint> candidates = DecodeTables.Candidates[start..end];
        for (int i = 0; i < candidates.Length; i += 3)
        {
            if ((context & candidates[i]) == candidates[i + 1] && HasFeatures(candidates[i + 2] >> 16))
            {
                return (int)(candidates[i + 2] & 0xFFFF);
            }
        }
        return -1;
    }

    readonly bool HasFeatures(uint requirement)
    {
        ReadOnlySpan<ulong> sets = DecodeTables.Requirements;
        return requirement == 0 || features.Contains(new FeatureSet(sets[(int)requirement * 2], sets[(int)requirement * 2 + 1]));
    }

    readonly uint Context()
    {
        uint prefix = isVex ? vexPrefix : repeat != 0 ? repeat : hasOperandPrefix ? 1u : 0;
        return (is64 ? DecodeContext.Is64 : 0)
            | (uint)operandSize << DecodeContext.OperandSizeShift
            | (uint)addressSize << DecodeContext.AddressSizeShift
            | (IsMemory ? 0 : DecodeContext.RegisterForm)
            | ((uint)modrm >> 3 & 7) << DecodeContext.RegShift
            | ((uint)modrm & 7) << DecodeContext.RmShift
            | prefix << DecodeContext.PrefixShift
            | (w ? DecodeContext.W : 0)
            | (uint)vectorLength << DecodeContext.LShift
            | (b != 0 ? DecodeContext.RexB : 0)
            | (r != 0 ? DecodeContext.RexR : 0)
            | (IsProtected ? DecodeContext.Protected : 0)
            | (vvvv == 0 ? DecodeContext.NoVvvv : 0);
    }
}
