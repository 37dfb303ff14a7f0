using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>What Unicorn 2.0.1, which is QEMU 5.0.1, does differently from CPUs, or cannot tell.</summary>
static class UnicornDifferences
{
    const int FxStatus = 2, FxMxcsr = 24, FxStack = 32, FxVectors = 160;
    const uint StackFault = 12, GeneralProtection = 13, PageFault = 14, FloatingPoint = 16, AlignmentCheck = 17, SimdFloatingPoint = 19;

    /// <summary>Sets of instructions that are not compared, by how their names begin, each with the reason.</summary>
    static readonly (string Set, string Reason)[] Sets =
    [
        ("AVX", "is not translated"), ("FMA", "is not translated"), ("F16C", "is not translated"), ("SHA", "is not translated"), ("GFNI", "is not translated"),
        ("VAES", "is not translated"), ("VPCLMULQDQ", "is not translated"), ("XOP", "is not translated"), ("TBM", "is not translated"), ("LWP", "is not translated"),
        ("CET", "is not translated"), ("RTM", "is not translated"), ("WBNOINVD", "is not translated"), ("CLDEMOTE", "is not translated"), ("INVPCID", "is not translated"),
        ("MOVDIR", "is not translated"), ("SERIALIZE", "is not translated"), ("CLWB", "the model has none"), ("CLFLUSHOPT", "the model has none"), ("MOVBE", "the model has none"),
        ("FPU", "knows no stack faults, sets no exception flags and takes unsupported encodings for numbers"),
        ("POPCNT", "the model has none"), ("BMI", "#UD, or vvvv taken for a register that is not there, outside of 64-bit mode"),
        ("D3NOW", "rounds differently"),
    ];

    /// <summary>Instructions that are not compared, each with the reason.</summary>
    static readonly Dictionary<Mnemonic, string> Mnemonics = new()
    {
        [Mnemonic.In] = "answers itself, whatever the privilege", [Mnemonic.Out] = "answers itself, whatever the privilege",
        [Mnemonic.Insb] = "answers itself, whatever the privilege", [Mnemonic.Insw] = "answers itself, whatever the privilege", [Mnemonic.Insd] = "answers itself, whatever the privilege",
        [Mnemonic.Outsb] = "answers itself, whatever the privilege", [Mnemonic.Outsw] = "answers itself, whatever the privilege", [Mnemonic.Outsd] = "answers itself, whatever the privilege",
        [Mnemonic.Reservednop] = "#UD for the forms of 0F 18 with a register",
        [Mnemonic.Emms] = "keeps TOP", [Mnemonic.Cvtpi2pd] = "enters MMX state where CPUs do not", [Mnemonic.Cvtpi2ps] = "enters MMX state where CPUs do not",
        [Mnemonic.Enter] = "does not look whether the stack can be written", [Mnemonic.Stmxcsr] = "has no exception flags to store",
        [Mnemonic.Pcmpestri64] = "as without REX.W", [Mnemonic.Pcmpestrm64] = "as without REX.W",
        [Mnemonic.Fxrstor] = "keeps reserved bits of the control word", [Mnemonic.Fxrstor64] = "keeps reserved bits of the control word",
        [Mnemonic.Clflush] = "does not look at the page", [Mnemonic.Clflushopt] = "does not look at the page",
        [Mnemonic.Cmpxchg8b] = "flags of the instruction before are not kept", [Mnemonic.Cmpxchg16b] = "flags of the instruction before are not kept",
        [Mnemonic.Cvtdq2pd] = "reads 16 bytes instead of 8",
        [Mnemonic.Cmpxchg] = "clears the upper half of a destination that is not written", [Mnemonic.Dppd] = "another sign of zero", [Mnemonic.Dpps] = "another sign of zero",
        [Mnemonic.Rcl] = "flags that are not up to date behind a count of a whole round", [Mnemonic.Rcr] = "flags that are not up to date behind a count of a whole round",
        [Mnemonic.Maskmovq] = "does not touch what is masked, and in another order", [Mnemonic.Maskmovdqu] = "does not touch what is masked, and in another order",
        [Mnemonic.Loope] = "decides with flags that are not up to date", [Mnemonic.Loopne] = "decides with flags that are not up to date",
        [Mnemonic.Crc32] = "takes a wrong size with a prefix 66", [Mnemonic.Pclmulqdq] = "the model has none",
        [Mnemonic.Pcmpestri] = "another result with masked polarity and lengths beyond the register", [Mnemonic.Pcmpestrm] = "another result with masked polarity and lengths beyond the register",
        [Mnemonic.Pcmpistri] = "another result with masked polarity", [Mnemonic.Pcmpistrm] = "another result with masked polarity",
    };

    /// <summary>An instruction that is in no case.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="bits">16, 32 or 64.</param>
    public static bool Includes(in Instruction instruction, ReadOnlySpan<byte> bytes, int bits)
    {
        if (Mnemonics.ContainsKey(instruction.Mnemonic) || HasUnusualPrefixes(bytes, bits))
        {
            return true;
        }
        // #UD for predicates above 7, which CPUs take modulo 8, and for the second encoding of TEST.
        if (instruction.Mnemonic is Mnemonic.Cmpps or Mnemonic.Cmppd or Mnemonic.Cmpss or Mnemonic.Cmpsd && instruction.OpCount == 3 && instruction.Immediate8 > 7
            || instruction.Code is Iced.Intel.Code.Test_rm8_imm8_F6r1 or Iced.Intel.Code.Test_rm16_imm16_F7r1 or Iced.Intel.Code.Test_rm32_imm32_F7r1 or Iced.Intel.Code.Test_rm64_imm32_F7r1)
        {
            return true;
        }
        // With REX, AH is taken for SPL; the immediate of SHLD and SHRD is forgotten in addresses relative to RIP; PUNPCKL reads 8 bytes instead of 4.
        if (instruction.Mnemonic is Mnemonic.Sahf or Mnemonic.Lahf && bits == 64 || instruction.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd && instruction.MemoryBase is Register.RIP or Register.EIP
            || instruction.Mnemonic is Mnemonic.Punpcklbw or Mnemonic.Punpcklwd or Mnemonic.Punpckldq && instruction.Op0Register.IsMM() && instruction.Op1Kind == OpKind.Memory)
        {
            return true;
        }
        // The flags of a locked NEG are made from the old value.
        if (instruction.Mnemonic == Mnemonic.Neg && instruction.HasLockPrefix)
        {
            return true;
        }
        // The immediate of RET is sign-extended.
        if (instruction.Mnemonic == Mnemonic.Ret && instruction.OpCount == 1 && instruction.Immediate16 > short.MaxValue)
        {
            return true;
        }
        // #UD where REX.R is set and the instruction has an extended opcode of one row.
        if (bits == 64 && instruction.Code is Iced.Intel.Code.Mov_rm8_imm8 or Iced.Intel.Code.Mov_rm16_imm16 or Iced.Intel.Code.Mov_rm32_imm32 or Iced.Intel.Code.Mov_rm64_imm32)
        {
            return bytes[..^1].ContainsAnyInRange((byte)0x44, (byte)0x47) || bytes[..^1].ContainsAnyInRange((byte)0x4C, (byte)0x4F);
        }
        foreach (CpuidFeature feature in instruction.CpuidFeatures)
        {
            string name = feature.ToString();
            if (Sets.Any(set => name.StartsWith(set.Set, StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
            // MMX forms of SSSE3 do not enter MMX state.
            if (feature == CpuidFeature.SSSE3 && instruction.Op0Register.IsMM())
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A case that ended differently, or may, for a reason that is known.</summary>
    public static bool Includes(CodeKind kind, ReadOnlySpan<byte> code, in MachineState here, in MachineState there)
    {
        const uint Fetch = 16;
        ulong at = kind == CodeKind.Segmented16 ? here.Rip : here.Rip - TestCase.CodeStart;
        Instruction instruction = default;
        if (at < (ulong)code.Length)
        {
            Decoder decoder = Decoder.Create(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, code[(int)at..].ToArray(), DecoderOptions.AMD);
            decoder.Decode(out instruction);
        }
        // FZ flushes the results of the x87 unit instead, and DAZ is not for the operands of all instructions.
        const int FlushToZero = 0x80, DenormalsAreZeros = 0x40, MxcsrHigh = FxMxcsr + 1;
        if (((here.Fx[MxcsrHigh] | there.Fx[MxcsrHigh]) & FlushToZero) != 0 || ((here.Fx[FxMxcsr] | there.Fx[FxMxcsr]) & DenormalsAreZeros) != 0 || HasOtherNan(here, there))
        {
            return true;
        }
        // An access of 16 bytes is two of 8, and the first has happened; a call has pushed before the target is known to be there.
        const int LargestAccess = 8;
        if (here.Vector == PageFault && (instruction.MemorySize.GetSize() > LargestAccess || instruction.FlowControl == FlowControl.Call || instruction.FlowControl == FlowControl.IndirectCall))
        {
            return true;
        }
        return here.Vector switch
        {
            // CR0.AM and EFLAGS.AC do nothing; neither do exceptions of MXCSR and of the x87 unit that are not masked.
            AlignmentCheck or SimdFloatingPoint or FloatingPoint => true,
            // NXE cannot be set; CMPS reads its second operand first.
            PageFault => (here.ErrorCode & Fetch) != 0 || instruction.Mnemonic is Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq,
            // Segments have no limits and no rights, addresses need not be canonical.
            StackFault => true,
            // A case that does not end here may have come to such a fault there.
            MachineState.EndedByLimit => true,
            GeneralProtection => kind != CodeKind.Long || HasMemory(instruction),
            _ => false,
        };
    }

    /// <summary>Takes over what Unicorn does not have or cannot tell: error codes, YMM registers, exception flags of MXCSR and x87, and the upper 16 bits of registers of MMX.</summary>
    public static void Complete(in MachineState here, ref MachineState there)
    {
        there.ErrorCode = here.ErrorCode;
        if (here.Vector == PageFault && there.Vector == PageFault)
        {
            // It says so before it knows at which instruction it is and has made its flags, with MMX state entered, and tells the first byte of an access and not the first of the missing page.
            const ulong LongestAccess = 64;
            there.Rip = here.Rip;
            there.Rflags = here.Rflags;
            ((ReadOnlySpan<byte>)here.Fx)[..FxVectors].CopyTo(there.Fx);
            there.Address = here.Address - there.Address < LongestAccess || there.Address - here.Address < LongestAccess ? here.Address : there.Address;
        }
        there.Upper = here.Upper;
        there.Fx[FxMxcsr] = (byte)(there.Fx[FxMxcsr] & 0xC0 | here.Fx[FxMxcsr] & 0x3F);
        there.Fx[FxStatus] = here.Fx[FxStatus];
        for (int i = 0; i < 8; i++)
        {
            ((ReadOnlySpan<byte>)here.Fx).Slice(FxStack + i * 16 + 8, 2).CopyTo(((Span<byte>)there.Fx)[(FxStack + i * 16 + 8)..]);
        }
    }

    /// <summary>
    /// A REX prefix in front of other prefixes is not ignored; of several prefixes that choose a segment, or one of 66 with F2 or F3 the instruction, another one counts.
    /// </summary>
    static bool HasUnusualPrefixes(ReadOnlySpan<byte> bytes, int bits)
    {
        int segments = 0, rex = -1, at = 0;
        bool hasSize = false, hasRepeat = false;
        for (; at < bytes.Length; at++)
        {
            switch (bytes[at])
            {
                case 0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65:
                    segments++;
                    break;
                case 0x66:
                    hasSize = true;
                    break;
                case 0xF2 or 0xF3:
                    segments += hasRepeat ? 2 : 0;
                    hasRepeat = true;
                    break;
                case 0x67 or 0xF0:
                    break;
                case >= 0x40 and <= 0x4F when bits == 64:
                    rex = at;
                    break;
                default:
                    return segments > 1 || rex >= 0 && rex != at - 1 || hasSize && hasRepeat && bytes[at] == 0x0F;
            }
        }
        return true;
    }

    /// <summary>Of two NaNs it takes the one with the larger significand, as the x87 unit does.</summary>
    static bool HasOtherNan(in MachineState here, in MachineState there)
    {
        for (int i = FxVectors; i < FxVectors + 256; i += sizeof(float))
        {
            ReadOnlySpan<byte> one = ((ReadOnlySpan<byte>)here.Fx)[i..], other = ((ReadOnlySpan<byte>)there.Fx)[i..];
            bool isDifferent = !one[..sizeof(double)].SequenceEqual(other[..sizeof(double)]);
            if (isDifferent && (float.IsNaN(BitConverter.ToSingle(one)) && float.IsNaN(BitConverter.ToSingle(other)) && !one[..sizeof(float)].SequenceEqual(other[..sizeof(float)])
                || i % sizeof(double) == 0 && double.IsNaN(BitConverter.ToDouble(one)) && double.IsNaN(BitConverter.ToDouble(other))))
            {
                return true;
            }
        }
        return false;
    }

    static bool HasMemory(in Instruction instruction)
    {
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) is OpKind.Memory or (>= OpKind.MemorySegSI and <= OpKind.MemoryESRDI))
            {
                return true;
            }
        }
        return instruction.IsStackInstruction;
    }
}
