using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>What Unicorn 2.0.1, which is QEMU 5.0.1, does differently from CPUs, or cannot tell.</summary>
static class UnicornDifferences
{
    const int FxControl = 0, FxStatus = 2, FxTag = 4, FxMxcsr = 24, FxStack = 32, FxVectors = 160;
    const uint StackFault = 12, GeneralProtection = 13, PageFault = 14, FloatingPoint = 16, AlignmentCheck = 17, SimdFloatingPoint = 19;

    /// <summary>Why most instructions are left out that are.</summary>
    public const string NotTranslated = "is not translated", OtherPrefixes = "other prefixes of several count";

    const string RoundedConstant = "rounded to nearest, whatever the control word says", KeptFlags = "leaves OF, SF and AF as they were";

    /// <summary>Sets of instructions that are not compared, by how their names begin, each with the reason.</summary>
    static readonly (string Set, string Reason)[] Sets =
    [
        ("AVX", NotTranslated), ("FMA", NotTranslated), ("F16C", NotTranslated), ("SHA", NotTranslated), ("GFNI", NotTranslated),
        ("VAES", NotTranslated), ("VPCLMULQDQ", NotTranslated), ("XOP", NotTranslated), ("TBM", NotTranslated), ("LWP", NotTranslated),
        ("CET", NotTranslated), ("RTM", NotTranslated), ("WBNOINVD", NotTranslated), ("CLDEMOTE", NotTranslated), ("INVPCID", NotTranslated),
        ("MOVDIR", NotTranslated), ("SERIALIZE", NotTranslated), ("CLWB", "the model has none"), ("CLFLUSHOPT", "the model has none"), ("MOVBE", "the model has none"),
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
        [Mnemonic.Fldenv] = "keeps what is no exponent or flag", [Mnemonic.Frstor] = "keeps what is no exponent or flag", [Mnemonic.Fbstp] = "another sign of zero",
        [Mnemonic.Fldpi] = RoundedConstant, [Mnemonic.Fldl2e] = RoundedConstant, [Mnemonic.Fldl2t] = RoundedConstant, [Mnemonic.Fldlg2] = RoundedConstant, [Mnemonic.Fldln2] = RoundedConstant,
        [Mnemonic.Fcomi] = KeptFlags, [Mnemonic.Fcomip] = KeptFlags, [Mnemonic.Fucomi] = KeptFlags, [Mnemonic.Fucomip] = KeptFlags,
        [Mnemonic.Fninit] = "would clear what tells of an invalid operation", [Mnemonic.Fnclex] = "would clear what tells of an invalid operation",
        [Mnemonic.Fnstcw] = "keeps reserved bits of the control word",
        [Mnemonic.Fnstsw] = "has no exception flags to store",
        [Mnemonic.Fprem] = "computes with 64 bits", [Mnemonic.Fprem1] = "computes with 64 bits", [Mnemonic.Fscale] = "computes with 64 bits", [Mnemonic.Fxtract] = "knows no division by zero",
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

    /// <summary>Why an instruction is in no case, or null.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="bits">16, 32 or 64.</param>
    public static string? Of(in Instruction instruction, ReadOnlySpan<byte> bytes, int bits)
    {
        if (Mnemonics.TryGetValue(instruction.Mnemonic, out string? reason))
        {
            return $"{instruction.Mnemonic}: {reason}";
        }
        if (HasUnusualPrefixes(bytes, bits))
        {
            return OtherPrefixes;
        }
        foreach (CpuidFeature feature in instruction.CpuidFeatures)
        {
            string name = feature.ToString();
            foreach ((string set, string why) in Sets)
            {
                if (name.StartsWith(set, StringComparison.OrdinalIgnoreCase))
                {
                    return $"{set}: {why}";
                }
            }
            if (feature == CpuidFeature.SSSE3 && instruction.Op0Register.IsMM())
            {
                return "does not enter MMX state";
            }
        }
        return instruction.Code switch
        {
            Iced.Intel.Code.Fst_sti or Iced.Intel.Code.Fstp_sti or Iced.Intel.Code.Fstp_sti_DFD0 or Iced.Intel.Code.Fstp_sti_DFD8 or Iced.Intel.Code.Fstpnce_sti => "an empty destination stays empty",
            Iced.Intel.Code.Test_rm8_imm8_F6r1 or Iced.Intel.Code.Test_rm16_imm16_F7r1 or Iced.Intel.Code.Test_rm32_imm32_F7r1 or Iced.Intel.Code.Test_rm64_imm32_F7r1 => "#UD for the second encoding",
            Iced.Intel.Code.Mov_rm8_imm8 or Iced.Intel.Code.Mov_rm16_imm16 or Iced.Intel.Code.Mov_rm32_imm32 or Iced.Intel.Code.Mov_rm64_imm32 when bits == 64
                && (bytes[..^1].ContainsAnyInRange((byte)0x44, (byte)0x47) || bytes[..^1].ContainsAnyInRange((byte)0x4C, (byte)0x4F)) => "#UD where REX.R is set and there is an extended opcode of one row",
            _ => OfOperands(instruction, bits),
        };
    }

    static string? OfOperands(in Instruction instruction, int bits) => instruction.Mnemonic switch
    {
        Mnemonic.Cmpps or Mnemonic.Cmppd or Mnemonic.Cmpss or Mnemonic.Cmpsd when instruction.OpCount == 3 && instruction.Immediate8 > 7 => "#UD for predicates above 7, which CPUs take modulo 8",
        Mnemonic.Sahf or Mnemonic.Lahf when bits == 64 => "with REX, AH is taken for SPL",
        Mnemonic.Shld or Mnemonic.Shrd when instruction.MemoryBase is Register.RIP or Register.EIP => "the immediate is forgotten in addresses relative to RIP",
        Mnemonic.Punpcklbw or Mnemonic.Punpcklwd or Mnemonic.Punpckldq when instruction.Op0Register.IsMM() && instruction.Op1Kind == OpKind.Memory => "reads 8 bytes instead of 4",
        Mnemonic.Neg when instruction.HasLockPrefix => "flags of the old value",
        Mnemonic.Ret when instruction.OpCount == 1 && instruction.Immediate16 > short.MaxValue => "the immediate is sign-extended",
        _ => null,
    };

    /// <summary>No alignment checks, no exceptions of SSE or x87 that are not masked, no flushing to zero, no encodings that are no numbers.</summary>
    public static void Shape(ref TestCase test)
    {
        const ulong AlignmentChecks = 0x40000;
        const byte AllMasked = 0x3F;
        const uint SseMasks = 0x1F80, SseModes = 0x6000;
        ref MachineState state = ref test.State;
        state.Rflags &= ~AlignmentChecks;
        Span<byte> fx = state.Fx;
        fx[FxControl] |= AllMasked;
        BitConverter.GetBytes(BitConverter.ToUInt32(fx[FxMxcsr..]) & SseModes | SseMasks).CopyTo(fx[FxMxcsr..]);
        // Two are free.
        const byte SixValid = 0x3F;
        int top = fx[FxStatus + 1] >> 3 & 7;
        fx[FxTag] = (byte)(SixValid << top | SixValid >> 8 - top);
        for (int i = 0; i < 8; i++)
        {
            // The integer bit is that of the exponent.
            Span<byte> number = fx.Slice(FxStack + i * 16, 10);
            bool isNormal = (BitConverter.ToUInt16(number[8..]) & 0x7FFF) != 0;
            number[7] = (byte)(number[7] & 0x7F | (isNormal ? 0x80 : 0));
        }
    }

    /// <summary>Why a case ended differently, or may have, or null.</summary>
    public static string? Of(CodeKind kind, ReadOnlySpan<byte> code, in MachineState here, in MachineState there)
    {
        const uint Fetch = 16;
        ulong at = kind == CodeKind.Segmented16 ? here.Rip : here.Rip - TestCase.CodeStart;
        Instruction instruction = default;
        if (at < (ulong)code.Length)
        {
            Decoder decoder = Decoder.Create(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, code[(int)at..].ToArray(), DecoderOptions.AMD);
            decoder.Decode(out instruction);
        }
        const int FlushToZero = 0x80, DenormalsAreZeros = 0x40, MxcsrHigh = FxMxcsr + 1, Invalid = 1;
        if (((here.Fx[MxcsrHigh] | there.Fx[MxcsrHigh]) & FlushToZero) != 0 || ((here.Fx[FxMxcsr] | there.Fx[FxMxcsr]) & DenormalsAreZeros) != 0)
        {
            return "MXCSR.FZ flushes the results of the x87 unit instead, and DAZ is not for the operands of all instructions";
        }
        if (HasOtherNan(here, there))
        {
            return "of two NaNs it takes the one with the larger significand, as the x87 unit does";
        }
        // Once it has happened, the flag stays.
        if ((here.Fx[FxStatus] & Invalid) != 0)
        {
            return "an invalid operation of the x87 unit: no stack faults, and unsupported encodings are numbers";
        }
        if (HasMmxAndX87(code, kind))
        {
            return "MMX and x87 instructions: what writes a register of MMX leaves its upper bits alone";
        }
        if (HasUnsupported(here))
        {
            return "encodings of 80 bits that are no numbers count as numbers";
        }
        const int LargestAccess = 8;
        return here.Vector switch
        {
            AlignmentCheck => "CR0.AM and EFLAGS.AC do nothing",
            SimdFloatingPoint or FloatingPoint => "floating-point exceptions that are not masked do not happen",
            PageFault when (here.ErrorCode & Fetch) != 0 && IsData(here.Address) => "#PF of a fetch of data: NXE cannot be set",
            PageFault when instruction.Mnemonic is Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq => "#PF of CMPS, which reads its second operand first",
            PageFault when instruction.MemorySize.GetSize() > LargestAccess => "#PF of an access of 16 bytes: it is two of 8, and the first has happened",
            PageFault when instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall => "#PF of a call, which has pushed before the target is known to be there",
            StackFault => "#SS: segments have no limits and no rights, addresses need not be canonical",
            MachineState.EndedByLimit => "a case without end may have come to such a fault there",
            GeneralProtection when !instruction.IsPrivileged && (kind != CodeKind.Long || HasMemory(instruction)) => "#GP: segments have no limits and no rights, addresses need not be canonical, nor operands aligned",
            _ => null,
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
        // The exception flags of the x87 unit, and C1, which says how a result was rounded.
        const byte RoundedUp = 2;
        there.Fx[FxStatus] = here.Fx[FxStatus];
        // Reserved bits of the control word, which it keeps.
        const byte Masks = 0x3F, Rounding = 0x1F;
        there.Fx[FxControl] = (byte)(there.Fx[FxControl] & Masks | here.Fx[FxControl] & ~Masks);
        there.Fx[FxControl + 1] = (byte)(there.Fx[FxControl + 1] & Rounding | here.Fx[FxControl + 1] & ~Rounding);
        there.Fx[FxStatus + 1] = (byte)(there.Fx[FxStatus + 1] & ~RoundedUp | here.Fx[FxStatus + 1] & RoundedUp);
        for (int i = 0; i < 8; i++)
        {
            // A register of MMX has all ones there, and so has no number but an infinity or a NaN.
            Span<byte> one = there.Fx;
            if (here.Fx[FxStack + i * 16 + 8] == 0xFF && here.Fx[FxStack + i * 16 + 9] == 0xFF)
            {
                one.Slice(FxStack + i * 16 + 8, 2).Fill(0xFF);
            }
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

    /// <summary>Both have a NaN in an XMM register, and not the same.</summary>
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

    static bool IsData(ulong address) => address - TestCase.DataStart < TestCase.DataSize || address - TestCase.StackStart < TestCase.StackSize;

    static bool HasMmxAndX87(ReadOnlySpan<byte> code, CodeKind kind)
    {
        const byte Int3 = 0xCC;
        int end = code.TrimEnd(Int3).Length;
        Decoder decoder = Decoder.Create(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, code[..end].ToArray(), DecoderOptions.AMD);
        bool hasMmx = false, hasX87 = false;
        while (decoder.IP < (ulong)end)
        {
            decoder.Decode(out Instruction instruction);
            hasMmx |= CaseGenerator.IsMmx(instruction);
            hasX87 |= CaseGenerator.IsX87(instruction);
        }
        return hasMmx && hasX87;
    }

    /// <summary>Numbers with an exponent, but without the integer bit.</summary>
    static bool HasUnsupported(in MachineState state)
    {
        for (int i = 0; i < 8; i++)
        {
            ReadOnlySpan<byte> number = ((ReadOnlySpan<byte>)state.Fx).Slice(FxStack + i * 16, 10);
            if ((BitConverter.ToUInt16(number[8..]) & 0x7FFF) != 0 && number[7] < 0x80 && BitConverter.ToUInt16(number[8..]) != ushort.MaxValue)
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
