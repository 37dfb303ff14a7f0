using System.Collections.Concurrent;
using FastVcpu.Cli.Conform;
using FastVcpu.Decode;
using FastVcpu.Execution;
using Iced.Intel;
using IcedDecoder = Iced.Intel.Decoder;
using OurDecoder = FastVcpu.Decode.Decoder;

namespace FastVcpu.Tests.Decoding;

/// <summary>
/// Decodes random bytes, and all encodings with VEX, here and in Iced: the same strings are instructions, and they have the same lengths.
/// FASTVCPU_DECODER_STRINGS sets how many random strings each mode gets. Differences that are understood are listed in tests/Known/decoder.txt.
/// </summary>
public sealed unsafe class DecoderAgainstIcedTests
{
    /// <summary>Iced's CPUs of today, with AMD's reading of 66 before near branches as the vectors have it.</summary>
    const DecoderOptions Options = DecoderOptions.AMD;

    /// <summary>Strings for each mode that show every listed difference; what a test run does.</summary>
    const long EnoughStrings = 4_000_000;

    const int BufferLength = 1 << 16;
    const int LongestInstruction = 15;
    const int Stride = 16;

    [Fact]
    public void TheSameBytesAreInstructionsOfTheSameLength()
    {
        long strings = Repository.Number("FASTVCPU_DECODER_STRINGS", EnoughStrings);
        ConcurrentDictionary<string, string> differences = new();
        foreach (int bits in (int[])[16, 32, 64])
        {
            Parallel.For(
                0L,
                (strings + BufferLength - 1) / BufferLength,
                () => new Comparer(bits),
                (piece, _, comparer) =>
                {
                    comparer.CompareRandom((int)piece, differences);
                    return comparer;
                },
                _ => { });
        }

        foreach (int bits in (int[])[16, 32, 64])
        {
            Comparer comparer = new(bits);
            for (int map = 0; map <= 4; map++)
            {
                for (int payload = 0; payload < 1 << 8; payload++)
                {
                    comparer.CompareVex((byte)map, (byte)payload, differences);
                }
            }
        }

        KnownDifferences known = new("decoder.txt");
        string[] unknown = [.. differences.Where(difference => !known.Contains(difference.Key)).OrderBy(d => d.Key).Select(d => $"{d.Key}: {d.Value}")];
        Assert.True(unknown.Length == 0, $"{unknown.Length} kinds of difference:\n{string.Join('\n', unknown.Take(100))}");
        if (strings >= EnoughStrings)
        {
            Assert.Empty(known.Stale());
        }
    }

    sealed class Comparer(int bits)
    {
        readonly byte[] buffer = new byte[BufferLength + LongestInstruction];
        readonly FeatureNames features = new(CpuModel.Max);
        readonly uint mode = ModeOf(bits);

        public void CompareRandom(int piece, ConcurrentDictionary<string, string> differences)
        {
            Fill(new Random(piece * 3 + bits));
            Compare(1, differences);
        }

        /// <summary>All opcodes of a map, with register and memory operands and all reg fields, behind one third byte of VEX (W, vvvv, L, pp).</summary>
        public void CompareVex(byte map, byte payload, ConcurrentDictionary<string, string> differences)
        {
            Array.Clear(buffer);
            Span<byte> prefix = [0xC4, (byte)(0xE0 | map), payload];
            for (int i = 0; i < BufferLength / Stride; i++)
            {
                Span<byte> code = buffer.AsSpan(i * Stride, Stride);
                prefix.CopyTo(code);
                code[3] = (byte)(i >> 4);
                code[4] = (byte)((i & 7) << 3 | ((i & 8) != 0 ? 0xC1 : 4));
                code[5] = 0x16;
            }
            Compare(Stride, differences);
        }

        void Compare(int stride, ConcurrentDictionary<string, string> differences)
        {
            ByteArrayCodeReader reader = new(buffer);
            IcedDecoder iced = IcedDecoder.Create(bits, reader, Options);
            FeatureSet featureSet = CpuModel.Max.Features;
            Op op = default;
            for (int at = 0; at < BufferLength; at += stride)
            {
                reader.Position = at;
                iced.IP = 0x1000;
                iced.Decode(out Instruction instruction);
                OurDecoder.Decode(buffer.AsSpan(at, LongestInstruction), 0x1000, mode, featureSet, &op, out Decoded decoded);
                bool isValidHere = decoded.Status is DecodeStatus.Ok or DecodeStatus.Privileged;
                bool isValidThere = !instruction.IsInvalid;
                if (isValidHere == isValidThere && (!isValidHere || decoded.Length == instruction.Length))
                {
                    continue;
                }

                if (isValidThere && !isValidHere && !features.AreSupported(string.Join('+', instruction.CpuidFeatures)))
                {
                    continue;
                }

                Report(at, decoded, instruction, differences);
            }
        }

        void Report(int at, Decoded decoded, Instruction instruction, ConcurrentDictionary<string, string> differences)
        {
            bool isValidThere = !instruction.IsInvalid;
            string kind = !isValidThere ? "only-here" : decoded.Status is not (DecodeStatus.Ok or DecodeStatus.Privileged) ? "only-iced" : "length";
            string what = isValidThere ? WithoutWidths(instruction.Code) : Opcode(buffer.AsSpan(at, LongestInstruction));
            string bytes = Convert.ToHexStringLower(buffer, at, LongestInstruction);
            differences.TryAdd($"{kind} {what}", $"{bytes} in {bits} bits: here {decoded.Status} {decoded.Length}, Iced {instruction.Code} {instruction.Length}");
        }

        /// <summary>Iced's name of the encoding without digits, so that one line serves the widths of an instruction.</summary>
        static string WithoutWidths(Code code) => string.Concat(code.ToString().Where(letter => !char.IsAsciiDigit(letter)));

        /// <summary>Random bytes in which prefixes and escapes are more frequent than chance has them.</summary>
        void Fill(Random random)
        {
            ReadOnlySpan<byte> frequent =
                [0x0F, 0x0F, 0x0F, 0x38, 0x3A, 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x2E, 0x36, 0x26, 0x64, 0x65, 0x48, 0x41, 0x4C, 0xC4, 0xC5, 0x62, 0x8F];
            random.NextBytes(buffer);
            for (int i = random.Next(16); i < buffer.Length; i += 1 + random.Next(12))
            {
                buffer[i] = frequent[random.Next(frequent.Length)];
            }
        }

        /// <summary>The opcode without prefixes, and the reg field of a ModRM byte that may follow it.</summary>
        string Opcode(ReadOnlySpan<byte> code)
        {
            string prefixes = "";
            int at = 0;
            while (at < code.Length && (code[at] is 0x26 or 0x2E or 0x36 or 0x3E or (>= 0x64 and <= 0x67) or 0xF0 or 0xF2 or 0xF3
                || bits == 64 && code[at] is >= 0x40 and <= 0x4F))
            {
                prefixes = code[at] is 0xF0 or 0xF2 or 0xF3 or 0x66 && !prefixes.Contains(code[at].ToString("x2")) ? prefixes + code[at].ToString("x2") + "." : prefixes;
                at++;
            }

            if (at + 3 < code.Length && code[at] == 0xC4)
            {
                return $"{prefixes}vex.{code[at + 1] & 0x1F}.{code[at + 3]:x2}";
            }

            int length = at + 1 < code.Length && code[at] == 0x0F ? code[at + 1] is 0x38 or 0x3A ? 3 : 2 : 1;
            length = Math.Min(length, code.Length - at);
            string modrm = at + length < code.Length ? $"/{code[at + length] >> 3 & 7}" : "";
            return prefixes + Convert.ToHexStringLower(code.Slice(at, length)) + modrm;
        }

        static uint ModeOf(int bits)
        {
            if (bits == 16)
            {
                using VirtualMachine machine = new();
                return machine.CreateVcpu(CpuModel.Max).State->Mode | CpuMode.Protected | CpuMode.OsFxsr | CpuMode.VectorExtensions;
            }

            using Guest guest = new(bits, [0x90]);
            return guest.Cpu.State->Mode;
        }
    }
}
