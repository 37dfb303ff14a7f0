using FastVcpu.Execution;

namespace FastVcpu.Decode;

/// <summary>
/// Undefined instructions have lengths too: the processor reads all of an instruction before it looks at what it means. So the bytes of an
/// undefined one can be missing (#PF of the fetch) or too many (#GP) as well. Measured on hardware: the encodings of extensions that it does
/// not have (EVEX, XOP, 3DNow!) are read to their ends.
/// </summary>
unsafe ref partial struct InstructionDecoder
{
    const byte Evex = 0x62, Xop = 0x8F, ThreeDNow = 0x0F;

    void ReadUndefined(int map, uint entry, bool hasModrm)
    {
        if (map == MapOneByte && IsProtected && opcode is Evex or Xop && IsExtension())
        {
            ReadExtension();
            return;
        }
        if (map == Map0F && opcode == ThreeDNow)
        {
            ReadModrm(1);
            return;
        }
        if (map is Map0F38 or Map0F3A || isVex)
        {
            ReadEncoding(map, entry, hasModrm);
            return;
        }
        if (hasModrm)
        {
            ReadAddress();
        }
        if (entry != 0)
        {
            ReadImmediate(entry);
        }
    }

    /// <summary>The immediate that the first form of an opcode has.</summary>
    void ReadImmediate(uint entry)
    {
        FormRecord record = new((int)(DecodeTables.Candidates[(int)(entry & 0xFFFF) * 3 + 2] & 0xFFFF));
        if (record.Immediate != ImmediateField.None)
        {
            Immediate(record.Immediate, record, Width(record));
        }
    }

    /// <summary>62 and 8F begin an EVEX or XOP prefix instead of BOUND and POP.</summary>
    readonly bool IsExtension()
    {
        // BOUND has a ModRM byte with memory; POP has reg = 0, which is no map of XOP.
        byte next = HasReadModrm() ? modrm : position < code.Length ? code[position] : (byte)0;
        return opcode == Evex ? is64 || next >= 0xC0 : (next & 0x1F) >= 8;
    }

    readonly bool HasReadModrm() => (int)DecodeTables.Opcodes[opcode] < 0;

    void ReadExtension()
    {
        byte first = HasReadModrm() ? modrm : Next();
        Next();
        if (opcode == Evex)
        {
            Next();
            opcode = Next();
            ReadVector(first & 7);
        }
        else
        {
            opcode = Next();
            ReadModrm((first & 0x1F) switch { 8 => 1, 10 => 4, _ => 0 });
        }
    }

    /// <summary>0F 38, 0F 3A and VEX: the map says what follows.</summary>
    void ReadEncoding(int map, uint entry, bool hasModrm)
    {
        if (hasModrm)
        {
            ReadAddress();
            Read(VectorImmediate(map > MapVex ? map - MapVex : map));
        }
        else if (entry == 0)
        {
            ReadVector(map > MapVex ? map - MapVex : map);
        }
    }

    /// <summary>What follows the opcode of a map: 1, 2, 3 for 0F, 0F 38, 0F 3A. Opcodes that have no ModRM byte in map 0F have none with VEX either.</summary>
    void ReadVector(int map)
    {
        uint legacy = map == Map0F ? DecodeTables.Opcodes[Map0F << 8 | opcode] : 0;
        if ((int)legacy > 0)
        {
            ReadImmediate(legacy);
        }
        else
        {
            ReadModrm(VectorImmediate(map));
        }
    }

    readonly int VectorImmediate(int map)
    {
        bool hasByte = map == Map0F3A || (map == Map0F && opcode is (>= 0x70 and <= 0x73) or 0xC2 or (>= 0xC4 and <= 0xC6));
        return hasByte ? 1 : 0;
    }

    void ReadModrm(int immediate)
    {
        modrm = Next();
        ReadAddress();
        Read(immediate);
    }

    void ReadAddress()
    {
        Op ignored = default;
        if (IsMemory)
        {
            _ = addressSize == Width16 ? Modrm16(&ignored, out _) : Modrm(&ignored, out _);
        }
    }
}
