using FastVcpu.Cli.Conform;
using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>Some byte strings of every encoding that random bytes contain, so that a rare instruction is chosen as often as a frequent one.</summary>
sealed class InstructionPool
{
    const int Strings = 400_000, SamplesOfEach = 24, LongestInstruction = 15;

    /// <summary>What no two CPUs have to agree on, or what is another program's business: results from outside, undefined results, images with pointers.</summary>
    static readonly HashSet<Mnemonic> Excluded =
    [
        Mnemonic.Cpuid, Mnemonic.Rdtsc, Mnemonic.Rdtscp, Mnemonic.Rdpmc, Mnemonic.Rdrand, Mnemonic.Rdseed, Mnemonic.Rdpid, Mnemonic.Rdpru, Mnemonic.Xgetbv,
        Mnemonic.Syscall, Mnemonic.Sysenter, Mnemonic.Sysret, Mnemonic.Sysexit, Mnemonic.Sysretq, Mnemonic.Sysexitq, Mnemonic.Int,
        // A virtual machine that is itself the host reports it with RIP at the instruction.
        Mnemonic.Int1,
        Mnemonic.Sgdt, Mnemonic.Sidt, Mnemonic.Sldt, Mnemonic.Str, Mnemonic.Smsw, Mnemonic.Lar, Mnemonic.Lsl, Mnemonic.Verr, Mnemonic.Verw,
        Mnemonic.Fnstenv, Mnemonic.Fnsave, Mnemonic.Fstenv, Mnemonic.Fsave, Mnemonic.Fxsave, Mnemonic.Fxsave64, Mnemonic.Xsave, Mnemonic.Xsave64, Mnemonic.Xsavec, Mnemonic.Xsavec64,
        Mnemonic.Xsaveopt, Mnemonic.Xsaveopt64, Mnemonic.Xsaves, Mnemonic.Xsaves64, Mnemonic.Xrstor, Mnemonic.Xrstor64, Mnemonic.Xrstors, Mnemonic.Xrstors64,
        Mnemonic.F2xm1, Mnemonic.Fyl2x, Mnemonic.Fyl2xp1, Mnemonic.Fptan, Mnemonic.Fpatan, Mnemonic.Fsin, Mnemonic.Fcos, Mnemonic.Fsincos, Mnemonic.Fbld,
        Mnemonic.Rcpps, Mnemonic.Rcpss, Mnemonic.Rsqrtps, Mnemonic.Rsqrtss, Mnemonic.Vrcpps, Mnemonic.Vrcpss, Mnemonic.Vrsqrtps, Mnemonic.Vrsqrtss,
        Mnemonic.Lds, Mnemonic.Les, Mnemonic.Lfs, Mnemonic.Lgs, Mnemonic.Lss, Mnemonic.Iret, Mnemonic.Iretd, Mnemonic.Iretq, Mnemonic.Retf,
        Mnemonic.Monitor, Mnemonic.Mwait, Mnemonic.Monitorx, Mnemonic.Mwaitx, Mnemonic.Ud0, Mnemonic.Prefetchw, Mnemonic.Prefetch, Mnemonic.Xbegin,
        Mnemonic.Vmcall, Mnemonic.Vmmcall, Mnemonic.Extrq, Mnemonic.Insertq, Mnemonic.Clzero, Mnemonic.Tpause, Mnemonic.Umwait, Mnemonic.Umonitor,
        Mnemonic.Rdfsbase, Mnemonic.Rdgsbase, Mnemonic.Wrfsbase, Mnemonic.Wrgsbase,
    ];

    readonly List<byte[]>[] kinds;

    /// <param name="bits">16, 32 or 64.</param>
    /// <param name="model">The CPU that has the instructions.</param>
    /// <param name="seed">Of the byte strings.</param>
    /// <param name="reference">What has to be able to run them, too.</param>
    /// <param name="isOfOthers">Those instead that the reference is not to run.</param>
    public InstructionPool(int bits, CpuModel model, int seed, ReferenceCpu? reference = null, bool isOfOthers = false)
    {
        Bits = bits;
        FeatureNames features = new(model);
        Dictionary<Iced.Intel.Code, List<byte[]>> found = [];
        Random random = new(seed);
        byte[] bytes = new byte[LongestInstruction];
        ByteArrayCodeReader reader = new(bytes);
        Decoder decoder = Decoder.Create(bits, reader, DecoderOptions.AMD);
        for (int i = 0; i < Strings; i++)
        {
            Fill(random, bytes);
            reader.Position = 0;
            decoder.IP = TestCase.CodeStart;
            decoder.Decode(out Instruction instruction);
            if (!IsUsable(instruction, features) || reference?.WhyUnusable(instruction, bytes.AsSpan(0, instruction.Length), bits) != null != isOfOthers)
            {
                continue;
            }
            if (!found.TryGetValue(instruction.Code, out List<byte[]>? samples))
            {
                found.Add(instruction.Code, samples = []);
            }
            if (samples.Count < SamplesOfEach)
            {
                samples.Add(bytes[..instruction.Length]);
            }
        }
        kinds = [.. found.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
    }

    public int Bits { get; }

    /// <summary>Different encodings in the pool.</summary>
    public int Count => kinds.Length;

    /// <summary>The bytes of an instruction.</summary>
    public byte[] Next(Random random)
    {
        List<byte[]> samples = kinds[random.Next(kinds.Length)];
        return samples[random.Next(samples.Count)];
    }

    /// <summary>Bytes from which an instruction of the excluded ones may be decoded, wherever decoding begins.</summary>
    public bool HasExcluded(ReadOnlySpan<byte> code)
    {
        for (int i = 0; i < code.Length; i++)
        {
            Decoder decoder = Decoder.Create(Bits, code[i..Math.Min(code.Length, i + LongestInstruction)].ToArray());
            decoder.Decode(out Instruction instruction);
            if (Excluded.Contains(instruction.Mnemonic))
            {
                return true;
            }
        }
        return false;
    }

    bool IsUsable(in Instruction instruction, FeatureNames features)
    {
        if (instruction.IsInvalid || Excluded.Contains(instruction.Mnemonic) || !features.AreSupported(string.Join('+', instruction.CpuidFeatures)))
        {
            return false;
        }
        if (instruction.IsJmpFar || instruction.IsCallFar || instruction.IsJmpFarIndirect || instruction.IsCallFarIndirect)
        {
            return false;
        }
        for (int i = 0; i < instruction.OpCount; i++)
        {
            // Loads of segment registers depend on tables that the host owns; the upper half of a pushed one is undefined.
            if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsSegmentRegister() && (i == 0 || Bits != 64))
            {
                return false;
            }
        }
        // This vendor's CPUs read LOCK MOV CRn as MOV CRn+8, and leave the upper half of the destination when a 32-bit scan finds nothing.
        bool isVendorSpecific = instruction.Op0Register == Register.CR8 || instruction.Op1Register == Register.CR8
            || Bits == 64 && instruction.Code is Iced.Intel.Code.Bsf_r32_rm32 or Iced.Intel.Code.Bsr_r32_rm32;
        return !isVendorSpecific && !HasUndefinedResult(instruction);
    }

    static bool HasUndefinedResult(in Instruction instruction) => instruction.Code is Iced.Intel.Code.Bswap_r16
        or Iced.Intel.Code.Shld_rm16_r16_CL or Iced.Intel.Code.Shrd_rm16_r16_CL or Iced.Intel.Code.Shld_rm16_r16_imm8 or Iced.Intel.Code.Shrd_rm16_r16_imm8;

    /// <summary>Bytes in which prefixes and escapes stand where they mean something.</summary>
    void Fill(Random random, byte[] bytes)
    {
        random.NextBytes(bytes);
        int at = 0;
        while (random.Next(100) < 30)
        {
            ReadOnlySpan<byte> prefixes = [0x66, 0x66, 0xF3, 0xF2, 0xF0, 0x67, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65];
            bytes[at++] = prefixes[random.Next(prefixes.Length)];
            if (at == 3)
            {
                break;
            }
        }
        int map = random.Next(100);
        if (map < 12)
        {
            FillVex(random, bytes, at);
            return;
        }
        if (Bits == 64 && random.Next(2) == 0)
        {
            bytes[at++] = (byte)(0x40 | random.Next(16));
        }
        if (map < 60)
        {
            bytes[at++] = 0x0F;
            if (map < 36)
            {
                bytes[at] = (byte)(map < 24 ? 0x38 : 0x3A);
            }
        }
    }

    static void FillVex(Random random, byte[] bytes, int at)
    {
        if (random.Next(3) == 0)
        {
            bytes[at] = 0xC5;
            bytes[at + 1] |= 0x40;
            return;
        }
        bytes[at] = 0xC4;
        bytes[at + 1] = (byte)(bytes[at + 1] & 0xE0 | 1 + random.Next(3) | 0x40);
    }
}
