using System.Buffers.Binary;

namespace FastVcpu.Fuzz.Code;

/// <summary>Registers and memory to begin with: random, with a liking for values at which something changes.</summary>
static class RandomState
{
    const int FxControl = 0, FxStatus = 2, FxTag = 4, FxMxcsr = 24, FxStack = 32, FxVectors = 160;
    const uint DefaultMxcsr = 0x1F80;
    const ushort DefaultControl = 0x37F;

    public static void Fill(Random random, CodeKind kind, ref TestCase test)
    {
        ref MachineState state = ref test.State;
        state = default;
        for (int i = 0; i < 16; i++)
        {
            state.Gpr[i] = kind == CodeKind.Long ? Integer(random) : (uint)Integer(random);
        }
        if (kind != CodeKind.Long)
        {
            ((Span<ulong>)state.Gpr)[8..].Clear();
        }
        state.Gpr[4] = (kind == CodeKind.Segmented16 ? 0 : TestCase.StackStart) + (ulong)random.Next(0x400, 0xC00) / 8 * 8;
        state.Rip = kind == CodeKind.Segmented16 ? 0 : TestCase.CodeStart;
        state.Rflags = 0x202 | (uint)random.Next() & 0x8D5 | (random.Next(16) == 0 ? 0x400u : 0) | (random.Next(24) == 0 ? 0x40000u : 0);
        state.FsBase = TestCase.FsBase;
        state.GsBase = TestCase.GsBase;
        FillVectors(random, kind, ref state);
        FillMemory(random, test.Data);
        FillMemory(random, test.Stack);
    }

    static void FillVectors(Random random, CodeKind kind, ref MachineState state)
    {
        Span<byte> fx = state.Fx;
        ushort control = random.Next(3) > 0 ? DefaultControl : (ushort)(random.Next() & 0xF3F | 0x40 | (random.Next(4) > 0 ? 0x3F : 0));
        BinaryPrimitives.WriteUInt16LittleEndian(fx[FxControl..], control);
        BinaryPrimitives.WriteUInt16LittleEndian(fx[FxStatus..], (ushort)(random.Next(8) << 11));
        fx[FxTag] = (byte)(random.Next(3) == 0 ? 0 : random.Next());
        uint mxcsr = random.Next(2) == 0 ? DefaultMxcsr : (uint)random.Next() & 0xE07F | DefaultMxcsr & (random.Next(6) > 0 ? uint.MaxValue : (uint)random.Next());
        BinaryPrimitives.WriteUInt32LittleEndian(fx[FxMxcsr..], mxcsr);
        for (int i = 0; i < 8; i++)
        {
            FillExtended(random, fx.Slice(FxStack + i * 16, 10));
        }
        int vectors = kind == CodeKind.Long ? 16 : 8;
        FillMemory(random, fx.Slice(FxVectors, vectors * 16));
        random.NextBytes(((Span<byte>)state.Upper)[..(vectors * 16)]);
    }

    /// <summary>A register of the x87 unit.</summary>
    static void FillExtended(Random random, Span<byte> register)
    {
        random.NextBytes(register);
        int exponent = random.Next(8) switch
        {
            0 => 0,
            1 => 0x7FFF,
            2 => random.Next(0x8000),
            _ => 0x3FFF + random.Next(-70, 70),
        };
        BinaryPrimitives.WriteUInt16LittleEndian(register[8..], (ushort)(exponent | random.Next(2) << 15));
        if (random.Next(4) > 0)
        {
            register[7] |= 0x80;
        }
        if (random.Next(6) == 0)
        {
            register[..7].Clear();
            register[7] &= 0xC0;
        }
    }

    /// <summary>Memory that is looked at as integers and as floating-point numbers of all sizes.</summary>
    static void FillMemory(Random random, Span<byte> bytes)
    {
        random.NextBytes(bytes);
        for (int i = 0; i + 8 <= bytes.Length; i += 8)
        {
            switch (random.Next(5))
            {
                case 0:
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes[i..], Integer(random));
                    break;
                case 1:
                    BinaryPrimitives.WriteDoubleLittleEndian(bytes[i..], Number(random));
                    break;
                case 2:
                    BinaryPrimitives.WriteSingleLittleEndian(bytes[i..], (float)Number(random));
                    BinaryPrimitives.WriteSingleLittleEndian(bytes[(i + 4)..], (float)Number(random));
                    break;
            }
        }
    }

    static ulong Integer(Random random)
    {
        ulong value = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        return random.Next(8) switch
        {
            0 => value & 0xFF,
            1 => 0UL - (value & 0xFF),
            2 => 1UL << (int)(value & 63),
            3 => (1UL << (int)(value & 63)) - 1,
            4 => TestCase.DataStart + (value & 0x1FFF),
            _ => value,
        };
    }

    static double Number(Random random) => random.Next(10) switch
    {
        0 => 0,
        1 => double.NaN,
        2 => double.NegativeInfinity,
        3 => double.Epsilon * random.Next(100_000),
        4 => float.Epsilon * random.Next(100_000),
        5 => random.Next(-100, 100),
        6 => Math.ScaleB(random.NextDouble() - 0.5, random.Next(-1050, 1050)),
        _ => (random.NextDouble() - 0.5) * (1L << random.Next(63)),
    };
}
