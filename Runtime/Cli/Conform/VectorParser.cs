using System.Buffers.Text;
using System.Text.Json;

namespace FastVcpu.Cli.Conform;

/// <summary>Reads one line of a vector file into a <see cref="Vector"/>. Whatever is wrong with the line is a <see cref="FormatException"/>.</summary>
static class VectorParser
{
    /// <summary>More than any instruction can touch.</summary>
    const int LongestChunk = 1 << 16;

    /// <summary>The keys that every line has.</summary>
    [Flags]
    enum Seen
    {
        B = 1,
        In = 2,
        Out = 4,
        Mem = 8,
        MemOut = 16,
        Ex = 32,
    }

    const Seen Needed = Seen.B | Seen.In | Seen.Out | Seen.Mem | Seen.MemOut | Seen.Ex;

    public static void Parse(ReadOnlySpan<byte> line, Vector vector)
    {
        try
        {
            ParseLine(line, vector);
        }
        catch (JsonException error)
        {
            throw new FormatException($"the line is not JSON (at byte {error.BytePositionInLine})", error);
        }
        catch (InvalidOperationException error)
        {
            throw new FormatException("a string holds bytes that are not UTF-8", error);
        }
    }

    static void ParseLine(ReadOnlySpan<byte> line, Vector vector)
    {
        Utf8JsonReader reader = new(line);
        Expect(ref reader, JsonTokenType.StartObject, "the line");
        Seen seen = 0;
        // What comes out builds on what goes in, whatever the order of the keys.
        Utf8JsonReader after = default;
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("n"u8))
            {
                vector.Name = Text(ref reader);
            }
            else if (reader.ValueTextEquals("c"u8))
            {
                vector.Code = Text(ref reader);
            }
            else if (reader.ValueTextEquals("isa"u8))
            {
                vector.Features = Text(ref reader);
            }
            else if (reader.ValueTextEquals("b"u8))
            {
                seen |= Seen.B;
                vector.Instruction = Bytes(ref reader, vector, 0);
            }
            else if (reader.ValueTextEquals("in"u8))
            {
                seen |= Seen.In;
                Registers(ref reader, vector, vector.Initial);
            }
            else if (reader.ValueTextEquals("out"u8))
            {
                seen |= Seen.Out;
                after = reader;
                Skip(ref reader);
            }
            else if (reader.ValueTextEquals("mem"u8))
            {
                seen |= Seen.Mem;
                Chunks(ref reader, vector, vector.Memory);
            }
            else if (reader.ValueTextEquals("memout"u8))
            {
                seen |= Seen.MemOut;
                Chunks(ref reader, vector, vector.MemoryAfter);
            }
            else if (reader.ValueTextEquals("ex"u8))
            {
                seen |= Seen.Ex;
                vector.Exception = Exception(ref reader);
            }
            else if (reader.ValueTextEquals("fmask"u8))
            {
                vector.UndefinedFlags = Unsigned(ref reader, "fmask");
            }
            else if (reader.ValueTextEquals("undef"u8))
            {
                Registers(ref reader, vector, vector.Undefined);
            }
            else if (reader.ValueTextEquals("mundef"u8))
            {
                UndefinedMemory(ref reader, vector);
            }
            else if (reader.ValueTextEquals("tol"u8))
            {
                Tolerance(ref reader, vector);
            }
            else
            {
                Skip(ref reader);
            }
        }

        if (seen != Needed)
        {
            throw new FormatException($"the line lacks {(Needed & ~seen).ToString().ToLowerInvariant()}");
        }

        vector.Initial.CopyTo(vector.Expected.AsSpan());
        Registers(ref after, vector, vector.Expected);
        vector.Instruction = vector.Instruction with { Address = InstructionAddress(vector) };
        if (vector.Exception.IsDelivered)
        {
            vector.MemoryUndefined.Add(new MemoryMask(PushedFlagsAddress(vector), 2, (ushort)(~0xFFFu | vector.UndefinedFlags)));
        }
    }

    /// <summary>
    /// Where a delivery pushed FLAGS: above IP and CS, which end at the new stack pointer. The vectors' own <c>flagsat</c> is the even address
    /// below that when the stack pointer is odd.
    /// </summary>
    static ulong PushedFlagsAddress(Vector vector)
    {
        ulong segment = (ulong)BitConverter.ToUInt16(vector.Initial, RegisterImage.Selectors + RegisterImage.SsIndex * 2) << 4;
        return segment + (ushort)(BitConverter.ToUInt16(vector.Expected, RegisterImage.Gpr + RegisterImage.SpNumber * 8) + 4);
    }

    /// <summary>Linear in user mode, where CS is flat; physical in real mode.</summary>
    static ulong InstructionAddress(Vector vector)
    {
        ulong pointer = BitConverter.ToUInt64(vector.Initial, RegisterImage.Rip);
        return vector.Mode == VectorMode.X16 ? pointer + ((ulong)BitConverter.ToUInt16(vector.Initial, RegisterImage.Selectors) << 4) : pointer;
    }

    static void Registers(ref Utf8JsonReader reader, Vector vector, byte[] image)
    {
        Expect(ref reader, JsonTokenType.StartObject, "a register list");
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            RegisterSlot slot = RegisterImage.Find(vector.Mode, reader.ValueSpan)
                ?? throw new FormatException($"there is no register '{reader.GetString()}' in this mode");
            Expect(ref reader, JsonTokenType.String, slot.Name);
            Span<byte> target = image.AsSpan(slot.Offset, slot.Length);
            if (!slot.IsNumber)
            {
                if (reader.ValueSpan.Length != slot.Length * 2 || !FromHex(reader.ValueSpan, target))
                {
                    throw new FormatException($"{slot.Name} is not a string of {slot.Length} bytes");
                }

                continue;
            }

            ulong value = HexNumber(reader.ValueSpan, slot.Name);
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = (byte)(value >> (i * 8));
            }

            if (slot.Length < 8 && value >> (slot.Length * 8) != 0)
            {
                throw new FormatException($"{slot.Name} does not fit its {slot.Length} bytes");
            }
        }
    }

    static void Chunks(ref Utf8JsonReader reader, Vector vector, List<MemoryChunk> chunks)
    {
        Expect(ref reader, JsonTokenType.StartArray, "a memory list");
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            ulong address = PairAddress(ref reader);
            chunks.Add(Bytes(ref reader, vector, address));
            Expect(ref reader, JsonTokenType.EndArray, "a memory entry");
        }
    }

    static void UndefinedMemory(ref Utf8JsonReader reader, Vector vector)
    {
        Expect(ref reader, JsonTokenType.StartArray, "mundef");
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            ulong address = PairAddress(ref reader);
            uint length = Unsigned(ref reader, "mundef");
            if (length > LongestChunk)
            {
                throw new FormatException("a range of mundef is too long");
            }

            vector.MemoryUndefined.Add(new MemoryMask(address, (int)length, 0xFFFF));
            Expect(ref reader, JsonTokenType.EndArray, "a memory entry");
        }
    }

    static ulong PairAddress(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new FormatException("a memory entry is not a pair");
        }

        Expect(ref reader, JsonTokenType.String, "a memory address");
        return HexNumber(reader.ValueSpan, "a memory address");
    }

    static VectorException Exception(ref Utf8JsonReader reader)
    {
        if (Next(ref reader) == JsonTokenType.Null)
        {
            return VectorException.None;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new FormatException("ex is neither null nor an object");
        }

        VectorException exception = VectorException.None;
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("v"u8))
            {
                exception = exception with { Vector = (byte)Unsigned(ref reader, "v") };
            }
            else if (reader.ValueTextEquals("err"u8))
            {
                exception = exception with { ErrorCode = Unsigned(ref reader, "err") };
            }
            else if (reader.ValueTextEquals("addr"u8))
            {
                Expect(ref reader, JsonTokenType.String, "addr");
                exception = exception with { Address = HexNumber(reader.ValueSpan, "addr") };
            }
            else if (reader.ValueTextEquals("delivered"u8))
            {
                exception = exception with { IsDelivered = Next(ref reader) == JsonTokenType.True };
            }
            else
            {
                Skip(ref reader);
            }
        }

        return exception;
    }

    static void Tolerance(ref Utf8JsonReader reader, Vector vector)
    {
        Expect(ref reader, JsonTokenType.StartObject, "tol");
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("rel"u8))
            {
                Expect(ref reader, JsonTokenType.Number, "rel");
                vector.ToleranceValue = reader.GetDouble();
            }
            else if (reader.ValueTextEquals("ulp"u8))
            {
                Expect(ref reader, JsonTokenType.Number, "ulp");
                vector.ToleranceValue = reader.GetDouble();
                vector.Tolerance = ToleranceKind.UnitsInLastPlace;
            }
            else if (reader.ValueTextEquals("t"u8))
            {
                vector.Tolerance = Text(ref reader) switch
                {
                    "f32" => ToleranceKind.RelativeSingle,
                    "f64" => ToleranceKind.RelativeDouble,
                    string type => throw new FormatException($"there is no lane type '{type}'"),
                };
            }
            else
            {
                Skip(ref reader);
            }
        }
    }

    static JsonTokenType Next(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            throw new FormatException("the line ends too early");
        }

        return reader.TokenType;
    }

    static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (Next(ref reader) != type)
        {
            throw new FormatException($"{what} is not written as the format says");
        }
    }

    static void Skip(ref Utf8JsonReader reader)
    {
        Next(ref reader);
        reader.Skip();
    }

    static string Text(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.String, "a name");
        return reader.GetString()!;
    }

    static uint Unsigned(ref Utf8JsonReader reader, string what)
    {
        Expect(ref reader, JsonTokenType.Number, what);
        return reader.TryGetUInt32(out uint value) ? value : throw new FormatException($"{what} is not a 32-bit number");
    }

    static ulong HexNumber(ReadOnlySpan<byte> digits, string what)
    {
        return digits.Length is > 0 and <= 16 && Utf8Parser.TryParse(digits, out ulong value, out int used, 'x') && used == digits.Length
            ? value
            : throw new FormatException($"{what} is not a hexadecimal number");
    }

    static MemoryChunk Bytes(ref Utf8JsonReader reader, Vector vector, ulong address)
    {
        Expect(ref reader, JsonTokenType.String, "a string of bytes");
        int length = reader.ValueSpan.Length / 2;
        if (length > LongestChunk || !FromHex(reader.ValueSpan, vector.Allocate(address, length, out MemoryChunk chunk)))
        {
            throw new FormatException("a string of bytes has digits that are not hexadecimal, or too many of them");
        }

        return chunk;
    }

    static bool FromHex(ReadOnlySpan<byte> digits, Span<byte> bytes) =>
        digits.Length == bytes.Length * 2 && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done;
}
