namespace FastVcpu.Fuzz.Code;

/// <summary>How an address gets into code once everything has its place.</summary>
enum FixupKind
{
    /// <summary>Distance from behind the instruction to the start of a piece.</summary>
    RelativeToPiece,
    /// <summary>Start of a piece, relative to the code segment.</summary>
    OffsetOfPiece,
    /// <summary>Distance from behind the instruction to an address.</summary>
    RelativeToAddress,
}

/// <summary>An address to be put into the bytes of a piece.</summary>
/// <param name="Kind">What kind of address.</param>
/// <param name="Offset">Where in the piece.</param>
/// <param name="Size">Bytes.</param>
/// <param name="End">Where in the piece the instruction ends that has it.</param>
/// <param name="Target">How many pieces further on, or the address.</param>
readonly record struct Fixup(FixupKind Kind, int Offset, int Size, int End, ulong Target);

/// <summary>One random instruction with those before it that give it operands, and those behind it that hide what it leaves undefined.</summary>
/// <param name="Instruction">The instruction, as it was chosen.</param>
/// <param name="Bytes">All of them.</param>
/// <param name="Fixups">What is put in when they have their place.</param>
sealed record Piece(byte[] Instruction, byte[] Bytes, Fixup[] Fixups);

/// <summary>What a case is made of. Pieces can be taken away and the rest is still a case, so that a failing one can be made small.</summary>
/// <param name="Kind">What kind of code.</param>
/// <param name="Seed">Of registers and memory.</param>
/// <param name="Pieces">The code.</param>
/// <param name="Rounds">How often it runs.</param>
sealed record Recipe(CodeKind Kind, int Seed, Piece[] Pieces, int Rounds)
{
    /// <summary>Where the number of rounds is kept, in the data.</summary>
    const int CounterOffset = TestCase.DataSize - 16;

    const byte Int3 = 0xCC;

    /// <summary>Offset of CS:0 from address 0.</summary>
    ulong CodeBase => Kind == CodeKind.Segmented16 ? TestCase.CodeStart : 0;

    /// <summary>Makes the case. False: the code does not fit.</summary>
    public bool TryBuild(ref TestCase test)
    {
        test.Kind = (uint)Kind;
        RandomState.Fill(new Random(Seed), Kind, ref test);
        test.Data[CounterOffset] = (byte)Rounds;
        Span<byte> code = test.Code;
        code.Fill(Int3);
        int[] starts = new int[Pieces.Length + 1];
        for (int i = 0; i < Pieces.Length; i++)
        {
            starts[i + 1] = starts[i] + Pieces[i].Bytes.Length;
        }
        byte[] loop = Loop(starts[^1]);
        if (starts[^1] + loop.Length >= code.Length)
        {
            return false;
        }
        for (int i = 0; i < Pieces.Length; i++)
        {
            Span<byte> bytes = code[starts[i]..starts[i + 1]];
            Pieces[i].Bytes.CopyTo(bytes);
            foreach (Fixup fixup in Pieces[i].Fixups)
            {
                ulong behind = TestCase.CodeStart + (ulong)(starts[i] + fixup.End);
                ulong piece = TestCase.CodeStart + (ulong)starts[(int)Math.Min((ulong)i + Math.Min(fixup.Target, (ulong)Pieces.Length), (ulong)Pieces.Length)];
                ulong value = fixup.Kind switch
                {
                    FixupKind.RelativeToPiece => piece - behind,
                    FixupKind.OffsetOfPiece => piece - CodeBase,
                    _ => fixup.Target - behind,
                };
                // A short branch that would not reach goes to the next piece.
                value = fixup.Kind == FixupKind.RelativeToPiece && fixup.Size == 1 && (long)value is < sbyte.MinValue or > sbyte.MaxValue ? 0 : value;
                BitConverter.GetBytes(value).AsSpan(0, fixup.Size).CopyTo(bytes[fixup.Offset..]);
            }
        }
        loop.CopyTo(code[starts[^1]..]);
        return true;
    }

    /// <summary>SUB byte [counter], 1; JNE to the first piece.</summary>
    byte[] Loop(int start)
    {
        uint counter = (uint)TestCase.DataStart + CounterOffset;
        byte[] count = Kind switch
        {
            CodeKind.Long => [0x80, 0x2C, 0x25, .. BitConverter.GetBytes(counter), 1],
            CodeKind.Compatibility => [0x80, 0x2D, .. BitConverter.GetBytes(counter), 1],
            _ => [0x80, 0x2E, .. BitConverter.GetBytes((ushort)CounterOffset), 1],
        };
        int size = Kind == CodeKind.Segmented16 ? sizeof(ushort) : sizeof(uint);
        int back = -(start + count.Length + 2 + size);
        return [.. count, 0x0F, 0x85, .. BitConverter.GetBytes(back).AsSpan(0, size)];
    }
}
