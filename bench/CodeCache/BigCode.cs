using System.Buffers.Binary;

namespace FastVcpu.Bench.CodeCache;

/// <summary>
/// Makes a guest of the usual form (<c>bench/README.md</c>) with as much distinct code as is asked for: many small functions, called in an order that nobody predicts. The
/// same bytes run as 32-bit and as 64-bit code.
/// </summary>
static class BigCode
{
    /// <summary>Bytes from one function to the next.</summary>
    public const int FunctionSize = 128;

    /// <summary>Calls by the driver of one iteration.</summary>
    public const int CallsPerIteration = 1024;

    const uint Base = 0x400000, Data = 0x800000, FirstFunction = 4096;
    const int LongestTail = 24;

    /// <summary>The code for address 0x400000.</summary>
    /// <param name="functions">Number of functions.</param>
    /// <param name="inOrder">The driver calls one function after the other instead.</param>
    /// <param name="stores">The functions write to memory too.</param>
    public static byte[] Generate(int functions, bool inOrder = false, bool stores = true)
    {
        byte[] code = new byte[FirstFunction + functions * FunctionSize];
        Driver(functions, inOrder).CopyTo(code, 0);
        Random random = new(functions);
        for (int i = 0; i < functions; i++)
        {
            int start = (int)FirstFunction + i * FunctionSize;
            Function(random, i, functions, stores).CopyTo(code.AsSpan(start, FunctionSize));
        }
        return code;
    }

    static byte[] Driver(int functions, bool inOrder)
    {
        Bytes code = new();
        code.Add(0x53, 0x55, 0x56);                     // push rbx, rbp, rsi
        code.Add(0xBD).Add32(Data);                     // mov ebp, Data
        code.Add(0x69, 0xFF).Add32(CallsPerIteration);  // imul edi, edi, CallsPerIteration
        code.Add(0x31, 0xF6, 0x31, 0xDB);               // xor esi, esi; xor ebx, ebx
        int loop = code.Count;
        if (inOrder)
        {
            code.Add(0x89, 0xD8);                       // mov eax, ebx
            code.Add(0x83, 0xC3, 1);                    // add ebx, 1
            code.Add(0x31, 0xD2);                       // xor edx, edx
            code.Add(0xB9).Add32((uint)functions);      // mov ecx, functions
            code.Add(0xF7, 0xF1);                       // div ecx
        }
        else
        {
            code.Add(0x69, 0xDB).Add32(1664525);        // imul ebx, ebx, 1664525
            code.Add(0x81, 0xC3).Add32(1013904223);     // add ebx, 1013904223
            code.Add(0xB8).Add32((uint)functions);      // mov eax, functions
            code.Add(0xF7, 0xE3);                       // mul ebx
        }
        code.Add(0x69, 0xC2).Add32(FunctionSize);       // imul eax, edx, FunctionSize
        code.Add(0x05).Add32(Base + FirstFunction);     // add eax, first function
        code.Add(0xFF, 0xD0);                           // call rax
        code.Add(0x83, 0xEF, 1);                        // sub edi, 1
        code.Add(0x0F, 0x85).Add32((uint)(loop - code.Count - 4));
        code.Add(0x89, 0xF0, 0x5E, 0x5D, 0x5B, 0xC3);   // mov eax, esi; pop rsi, rbp, rbx; ret
        return code.ToArray();
    }

    static byte[] Function(Random random, int number, int functions, bool stores)
    {
        Bytes code = new();
        while (code.Count < FunctionSize - LongestTail)
        {
            byte[] registers = [0, 1, 2];
            int target = registers[random.Next(3)], source = registers[random.Next(3)];
            uint value = (uint)random.Next();
            switch (random.Next(7))
            {
                case 0:
                    code.Add(0x81, (byte)(0xC0 + target)).Add32(value);                     // add r, value
                    break;
                case 1:
                    code.Add(0x31, (byte)(0xC0 + source * 8 + target));                     // xor r, r
                    break;
                case 2:
                    code.Add(0x8B, (byte)(0x85 + target * 8)).Add32(value & 0xFFFFC);       // mov r, [rbp + d]
                    break;
                case 3 when stores:
                    code.Add(0x89, (byte)(0x85 + source * 8)).Add32(value & 0xFFFFC);       // mov [rbp + d], r
                    break;
                case 4:
                    code.Add(0x69, (byte)(0xC0 + target * 8 + source)).Add32(value | 1);    // imul r, r, value
                    break;
                case 5:
                    code.Add(0x01, 0xF0 | 0xC0, 0xC1, 0xC6, (byte)(value % 31 + 1));        // add eax, esi; rol esi, n
                    break;
                default:
                    code.Add(0xF6, (byte)(0xC0 + target), (byte)value, 0x74, 2, 0x31, (byte)(0xC6 + source * 8)); // test r8, n; jz +2; xor esi, r
                    break;
            }
        }
        code.Add(0x01, 0xC6);                                                               // add esi, eax
        if (random.Next(2) == 0 && number + 1 < functions)
        {
            int callee = random.Next(number + 1, functions);
            code.Add(0xE8).Add32((uint)((callee - number) * FunctionSize - code.Count - 4));
        }
        code.Add(0x01, 0xD6, 0xC3);                                                         // add esi, edx; ret
        return code.ToArray();
    }

    /// <summary>Bytes that are put down one after the other.</summary>
    sealed class Bytes
    {
        readonly List<byte> bytes = [];

        public int Count => bytes.Count;

        public Bytes Add(params ReadOnlySpan<byte> values)
        {
            bytes.AddRange(values);
            return this;
        }

        public void Add32(uint value)
        {
            Span<byte> little = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(little, value);
            bytes.AddRange(little);
        }

        public byte[] ToArray() => [.. bytes];
    }
}
