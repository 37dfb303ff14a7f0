using FastVcpu.Execution;

namespace FastVcpu.Decode;

/// <summary>Decodes one instruction into an op, by the tables that the specification gives.</summary>
static unsafe class Decoder
{
    /// <summary>The most bytes that an instruction may have.</summary>
    public const int MaxLength = 15;

    /// <summary>Decodes the instruction at the start of <paramref name="code"/>; fills all of the op but its handler and its place in a block.</summary>
    /// <param name="code">Bytes at <paramref name="rip"/>; more than the longest instruction may be given.</param>
    /// <param name="rip">Instruction pointer.</param>
    /// <param name="mode">Mode word (<see cref="CpuMode"/>).</param>
    /// <param name="features">What the CPU has.</param>
    /// <param name="op">Where the instruction goes.</param>
    /// <param name="decoded">What a block has to know about it.</param>
    public static void Decode(ReadOnlySpan<byte> code, ulong rip, uint mode, FeatureSet features, Op* op, out Decoded decoded)
    {
        InstructionDecoder decoder = new(code, mode, features);
        decoder.Decode(rip, op, out decoded);
        decoded.Length = (byte)Math.Max(decoder.Position, 1);
        op->Rip = rip;
        op->Length = decoded.Length;
    }
}
