using Iced.Intel;

namespace FastVcpu.Cli.Reporting;

/// <summary>Disassembly for people, by Iced.</summary>
static class Disassembly
{
    /// <summary>Longest instruction.</summary>
    public const int LongestInstruction = 15;

    /// <summary>The text of the first instruction in <paramref name="code"/>.</summary>
    public static string First(ReadOnlySpan<byte> code, int bits, ulong address)
    {
        foreach ((_, _, string text) in Lines(code.ToArray(), bits, address))
        {
            return text;
        }

        return "(no code)";
    }

    /// <summary>Every instruction in <paramref name="code"/>: its address, its length, its text.</summary>
    public static IEnumerable<(ulong Address, int Length, string Text)> Lines(byte[] code, int bits, ulong address)
    {
        ByteArrayCodeReader reader = new(code);
        Decoder decoder = Decoder.Create(bits, reader, address);
        NasmFormatter formatter = new(new FormatterOptions { HexPrefix = "0x", HexSuffix = null, UppercaseHex = false, SpaceAfterOperandSeparator = true });
        StringOutput output = new();
        while (reader.CanReadByte)
        {
            decoder.Decode(out Instruction instruction);
            if (decoder.LastError == DecoderError.NoMoreBytes)
            {
                yield return (instruction.IP, instruction.Length, "(incomplete)");
                yield break;
            }

            if (instruction.IsInvalid)
            {
                yield return (instruction.IP, instruction.Length, "(bad)");
                continue;
            }

            formatter.Format(instruction, output);
            yield return (instruction.IP, instruction.Length, output.ToStringAndReset());
        }
    }
}
