using System.Buffers.Binary;
using Iced.Intel;

namespace FastVcpu.Tests.Harness;

/// <summary>Makes a static ELF program of one readable, writable and executable segment from assembled code.</summary>
static class ElfBuilder
{
    public const ulong Base = 0x400000;
    const int HeadersSize = 0x100;
    const int MemorySize = 0x4000;

    /// <summary>Zeroed memory behind the code, for the program's data.</summary>
    public const ulong Data = Base + 0x2000;

    public static byte[] Build(int bits, Action<Assembler> write)
    {
        Assembler assembler = new(bits);
        write(assembler);
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), Base + HeadersSize);
        return Build(bits, code.ToArray());
    }

    public static byte[] Build(int bits, byte[] code)
    {
        bool is64 = bits == 64;
        byte[] file = new byte[HeadersSize + code.Length];
        new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(is64 ? 2 : 1), 1, 1 }.CopyTo(file, 0);
        Span<byte> rest = file.AsSpan(16);
        BinaryPrimitives.WriteUInt16LittleEndian(rest, 2);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], (ushort)(is64 ? 62 : 3));
        BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], 1);
        int position = 24;
        Word(Base + HeadersSize);
        int headersAt = is64 ? 64 : 52, headerSize = is64 ? 56 : 32;
        Word((ulong)headersAt);
        Word(0);
        Int(0);
        Short(headersAt);
        Short(headerSize);
        Short(1);
        position = headersAt;
        Int(1);
        if (is64)
        {
            Int(7);
        }

        Word(0);
        Word(Base);
        Word(Base);
        Word((ulong)file.Length);
        Word(MemorySize);
        if (!is64)
        {
            Int(7);
        }

        Word(0x1000);
        code.CopyTo(file, HeadersSize);
        return file;

        void Short(int value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(position), (ushort)value);
            position += 2;
        }

        void Int(int value)
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(position), value);
            position += 4;
        }

        void Word(ulong value)
        {
            if (is64)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(position), value);
                position += 8;
            }
            else
            {
                Int((int)value);
            }
        }
    }
}
