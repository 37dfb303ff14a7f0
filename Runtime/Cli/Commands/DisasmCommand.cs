using System.CommandLine;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu disasm`: a flat binary or bytes as instructions.</summary>
static class DisasmCommand
{
    const int LargestFile = 64 << 20;

    public static Command Create()
    {
        Argument<string[]> code = new("code")
        {
            Description = "A file, or bytes in hexadecimal (spaces between them are fine).",
            HelpName = "FILE|HEX",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<int> bits = Options.Bits();
        Option<ulong> @base = new("--base") { Description = "Address of the first byte.", HelpName = "ADDR", CustomParser = Number.Parse };

        Command command = new("disasm", "Disassemble a flat binary or bytes.") { code, bits, @base };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(code), parsed.GetValue(bits), parsed.GetValue(@base)));
        return command;
    }

    static int Run(string[] code, int bits, ulong @base)
    {
        byte[] bytes = Read(code);
        using StreamWriter output = new(Console.OpenStandardOutput());
        int offset = 0;
        foreach ((ulong address, int length, string text) in Disassembly.Lines(bytes, bits, @base))
        {
            output.WriteLine($"{address:x8}  {Convert.ToHexStringLower(bytes, offset, length),-30}  {text}");
            offset += length;
        }

        return ExitCode.Success;
    }

    static byte[] Read(string[] code)
    {
        if (code.Length == 1 && (File.Exists(code[0]) || Directory.Exists(code[0])))
        {
            return InputFile.Read(code[0], LargestFile);
        }

        string digits = string.Concat(code).Replace(" ", "");
        try
        {
            return Convert.FromHexString(digits);
        }
        catch (FormatException)
        {
            throw new InputException($"'{string.Join(' ', code)}' is neither a file nor an even number of hexadecimal digits.");
        }
    }
}
