using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>Faults in which this vendor's CPUs differ from the virtual one and that are understood.</summary>
static class KnownDifferences
{
    const uint GeneralProtection = 13, AlignmentCheck = 17, SimdFloatingPoint = 19;

    public static bool Includes(CodeKind kind, ReadOnlySpan<byte> code, in MachineState end)
    {
        ulong at = kind == CodeKind.Segmented16 ? end.Rip : end.Rip - TestCase.CodeStart;
        if (at >= (ulong)code.Length)
        {
            return false;
        }
        Decoder decoder = Decoder.Create(kind switch { CodeKind.Long => 64, CodeKind.Compatibility => 32, _ => 16 }, code[(int)at..].ToArray());
        decoder.Decode(out Instruction instruction);
        return end.Vector switch
        {
            // These do not check the alignment of what they write byte by byte.
            AlignmentCheck => instruction.Mnemonic is Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu,
            // With alignment checks on, these report a misaligned image as #AC; and they have loaded the first part of an image when the rest is beyond a limit.
            GeneralProtection => instruction.Mnemonic is Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Frstor,
            // Theirs have entered MMX state when they report the exception.
            SimdFloatingPoint => instruction.Mnemonic is Mnemonic.Cvtpi2ps,
            _ => false,
        };
    }
}
