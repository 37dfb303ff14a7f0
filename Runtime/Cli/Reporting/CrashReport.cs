using System.Text;
using FastVcpu.Linux;
using Iced.Intel;

namespace FastVcpu.Cli.Reporting;

/// <summary>What is printed when a Linux program dies of an exception of its CPU.</summary>
static class CrashReport
{
    const int LinesAfter = 6;
    const int InvalidOpcode = 6;

    /// <summary>The report: what happened, the code around it, the registers.</summary>
    public static string Text(GuestCrash crash)
    {
        StringBuilder text = new();
        byte[] code = [.. crash.Code.Span];
        int offset = code.Length == 0 ? 0 : (int)(crash.InstructionPointer - crash.CodeAddress);
        string rip = crash.Bits == 64 ? "rip" : "eip";
        text.Append($"{crash.Description} in {crash.Program} (process {crash.ProcessId}): {Cause(crash)}, at {rip} 0x{crash.InstructionPointer:x}");
        text.Append(crash.Place.Length > 0 ? $" ({crash.Place})\n" : "\n");
        if (crash.Vector == InvalidOpcode && offset < code.Length)
        {
            text.Append($"  {Missing(code.AsSpan(offset), crash)}\n");
        }

        AppendCode(text, code, offset, crash);
        AppendRegisters(text, crash);
        return text.ToString();
    }

    static string Cause(GuestCrash crash) => GuestReport.Sentence(new VcpuExit
    {
        Reason = ExitReason.Exception,
        Vector = crash.Vector,
        ErrorCode = crash.ErrorCode,
        Address = crash.Address,
    });

    /// <summary>Names the instruction that the CPU does not have.</summary>
    static string Missing(ReadOnlySpan<byte> code, GuestCrash crash)
    {
        Iced.Intel.Decoder decoder = Iced.Intel.Decoder.Create(crash.Bits, new ByteArrayCodeReader(code.ToArray()), crash.InstructionPointer);
        decoder.Decode(out Instruction instruction);
        string features = string.Join(", ", instruction.CpuidFeatures.Select(feature => feature.ToString()));
        return instruction.IsInvalid
            ? "These bytes are no instruction."
            : $"This CPU does not have the instruction {instruction.Mnemonic.ToString().ToUpperInvariant()} ({instruction.Code}, {features}).";
    }

    static void AppendCode(StringBuilder text, byte[] code, int offset, GuestCrash crash)
    {
        int lines = 0;
        foreach ((ulong address, int length, string line) in Disassembly.Lines(code[offset..], crash.Bits, crash.InstructionPointer))
        {
            int start = offset + (int)(address - crash.InstructionPointer);
            text.Append($"  {(lines == 0 ? "=>" : "  ")} {address:x}  {Convert.ToHexStringLower(code.AsSpan(start, length)),-20}  {line}\n");
            if (++lines == LinesAfter)
            {
                break;
            }
        }
    }

    static void AppendRegisters(StringBuilder text, GuestCrash crash)
    {
        int count = crash.Bits == 64 ? 16 : 8;
        for (int i = 0; i < count; i++)
        {
            text.Append($"  {GuestReport.RegisterName(i, crash.Bits),-3} {crash.GeneralRegisters[i].ToString("x" + crash.Bits / 4)}").Append(i % 4 == 3 ? "\n" : "");
        }

        text.Append($"  {(crash.Bits == 64 ? "rflags" : "eflags")} {crash.Flags:x8}  fs base {crash.FsBase:x}  gs base {crash.GsBase:x}");
    }
}
