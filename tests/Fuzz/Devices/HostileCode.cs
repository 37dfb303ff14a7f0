using System.Buffers.Binary;

namespace FastVcpu.Fuzz.Devices;

/// <summary>Writes 32-bit code that accesses ports, configuration space and physical addresses at random. There is no paging.</summary>
/// <param name="random">Where chance comes from.</param>
sealed class HostileCode(Random random)
{
    const uint ConfigurationEnable = 1u << 31;
    const ushort ConfigurationAddress = 0xCF8, ConfigurationData = 0xCFC;
    const int Functions = 4, MostOperations = 48, MostIterations = 600;

    /// <summary>The ports of a PC; the others get their share too.</summary>
    static readonly ushort[] ports =
    [
        0x00, 0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xA0, 0xA1, 0xE9, 0xF0, 0xF1, 0x3B0, 0x3C0, 0x3D4, 0x3DA, 0x3F8, 0x3F9, 0x3FA, 0x3FC, 0x3FF, 0x402,
        0x4D0, 0x4D1, 0x510, 0x511, 0x514, 0x600, 0x602, 0x604, 0x608, 0x60F, 0xC00, 0xCF8, 0xCF9, 0xCFC, 0xCFF, 0xC000, 0xFFFC, 0xFFFF,
    ];

    /// <summary>Where memory, controllers, base addresses and nothing are; base address registers are moved to these places.</summary>
    static readonly uint[] places =
    [
        0, 0x9F000, 0xA0000, 0xB8000, 0xBFFF8, 0xC0000, 0xF0000, HostileRing.Base, 0xFFF000, 0x1000000, 0xE0000000, 0xE0001000, 0xE0002000, 0xE0003000, 0xE0004000, 0xE0007000, 0xFEBF0000,
        0xFEC00000, 0xFEC01000, 0xFEE00000, 0xFEE00FFC, 0xFEE01000, 0xFEDFFFF0, 0xFFFC0000, 0xFFFFFFF0,
    ];

    static readonly uint[] values = [0, 1, 2, 3, 4, 6, 8, 0x0F, 0x10, 0x20, 0x60, 0x7F, 0x80, 0xD1, 0xD4, 0xFE, 0xFF, 0x100, 0x400, 0x3400, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF];

    readonly List<byte> code = [];

    /// <summary>Code that ends with a jump to itself.</summary>
    public byte[] Next()
    {
        code.Clear();
        int count = random.Next(1, MostOperations);
        for (int i = 0; i < count; i++)
        {
            Operation();
        }
        Add([0xEB, 0xFE]);
        return [.. code];
    }

    void Operation()
    {
        switch (random.Next(16))
        {
            case < 5:
                Port(RandomPort(), RandomValue());
                break;
            case 5:
                PortString();
                break;
            case < 9:
                Configuration();
                break;
            case 9:
                Queue();
                break;
            case 10:
                MemoryString();
                break;
            case 11:
                code.Add((byte)(random.Next(2) == 0 ? 0xFB : 0xFA)); // sti, cli
                break;
            default:
                Memory();
                break;
        }
    }

    /// <summary>IN or OUT of 1, 2 or 4 bytes.</summary>
    void Port(ushort port, uint value)
    {
        Load(2, port);
        Load(0, value);
        PortAccess(random.Next(2) == 0, random.Next(3));
    }

    void PortAccess(bool isWrite, int size)
    {
        int opcode = (isWrite ? 0xEE : 0xEC) + (size != 0 ? 1 : 0);
        Add(size == 1 ? [0x66, (byte)opcode] : [(byte)opcode]);
    }

    /// <summary>REP INS or OUTS, memory or devices at the other end.</summary>
    void PortString()
    {
        Load(1, (uint)random.Next(MostIterations));
        Load(2, RandomPort());
        Load(6, RandomPlace());
        Load(7, RandomPlace());
        Add([0xF3, (byte)(0x6C + random.Next(4))]);
    }

    void MemoryString()
    {
        Load(0, RandomValue());
        Load(1, (uint)random.Next(MostIterations));
        Load(6, RandomPlace());
        Load(7, RandomPlace());
        // movs, cmps, stos, lods, scas
        byte[] opcodes = [0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF];
        Add([0xF3, opcodes[random.Next(opcodes.Length)]]);
    }

    /// <summary>Configuration space, mostly the registers that move things.</summary>
    void Configuration()
    {
        byte[] registers = [0x04, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x3C, 0x84, 0x88, 0x8C, 0x90, 0x94, (byte)random.Next(256)];
        uint register = registers[random.Next(registers.Length)];
        Select((uint)random.Next(Functions), register);
        uint value = register is >= 0x10 and <= 0x24 ? RandomPlace() : register == 4 && random.Next(4) != 0 ? 7u : RandomValue();
        Port((ushort)(ConfigurationData + (random.Next(3) == 0 ? random.Next(4) : 0)), value);
    }

    void Select(uint device, uint register)
    {
        Load(2, ConfigurationAddress);
        Load(0, ConfigurationEnable | device << 11 | register & 0xFC);
        PortAccess(true, 2);
    }

    /// <summary>Gives a virtio device a queue in memory that is full of traps, the proper way, and notifies it.</summary>
    void Queue()
    {
        uint device = (uint)random.Next(2, Functions), place = 0xE0000000 + device * 0x10000;
        void Write(uint offset, uint value, int size)
        {
            Load(0, value);
            Load(3, place + offset);
            Add(size switch { 0 => [0x88, 0x03], 1 => [0x66, 0x89, 0x03], _ => [0x89, 0x03] });
        }
        Select(device, 0x20);
        Load(2, ConfigurationData);
        Load(0, place);
        PortAccess(true, 2);
        Select(device, 4);
        Load(2, ConfigurationData);
        Load(0, 7);
        PortAccess(true, 2);
        Write(0x14, 0, 0); // status
        Write(0x08, 1, 2); // features: version 1
        Write(0x0C, 1, 2);
        Write(0x14, 0x0B, 0);
        Write(0x16, 0, 1); // queue
        Write(0x18, random.Next(2) == 0 ? HostileRing.Size : RandomValue(), 1);
        uint[] areas = [HostileRing.Descriptors, HostileRing.Driver, HostileRing.Device];
        for (uint i = 0; i < areas.Length; i++)
        {
            Write(0x20 + i * 8, random.Next(16) == 0 ? RandomPlace() : areas[i], 2);
            Write(0x24 + i * 8, random.Next(64) == 0 ? RandomValue() : 0, 2);
        }
        Write(0x1C, 1, 1);
        Write(0x14, 0x0F, 0);
        Write(0x3000, 0, 1);
    }

    /// <summary>Instructions of all widths, with and without a lock, that read, write, and do both; x87 and vector state, stack and code at the address too.</summary>
    void Memory()
    {
        byte[][] instructions =
        [
            [0x88, 0x03], [0x8A, 0x03], [0x66, 0x89, 0x03], [0x66, 0x8B, 0x03], [0x89, 0x03], [0x8B, 0x03], [0x89, 0x03], [0x8B, 0x03], [0x01, 0x03], [0x03, 0x03], [0xF0, 0x0F, 0xC1, 0x03], [0x87, 0x03],
            [0xF0, 0x0F, 0xC7, 0x0B], [0x0F, 0x11, 0x03], [0x0F, 0x10, 0x03], [0xC5, 0xFC, 0x11, 0x03], [0xC5, 0xFC, 0x10, 0x03], [0xDD, 0x33], [0xDD, 0x23], [0xDF, 0x2B], [0xDB, 0x3B], [0x0F, 0xAE, 0x03],
            [0x0F, 0xAE, 0x0B], [0xFF, 0x33], [0x8F, 0x03], [0x0F, 0xAB, 0x03], [0x0F, 0xC3, 0x03], [0x0F, 0x18, 0x03], [0x0F, 0xAE, 0x3B], [0x0F, 0x01, 0x03], [0x0F, 0x01, 0x13], [0xFF, 0x13],
        ];
        Load(0, RandomValue());
        Load(3, RandomPlace());
        Add(instructions[random.Next(random.Next(40) == 0 ? instructions.Length : instructions.Length - 2)]);
    }

    ushort RandomPort()
    {
        ushort port = random.Next(3) == 0 ? (ushort)random.Next(0x10000) : (ushort)(ports[random.Next(ports.Length)] + (random.Next(4) == 0 ? random.Next(8) : 0));
        return port;
    }

    uint RandomPlace() => random.Next(8) == 0 ? (uint)random.NextInt64(1L << 32) : places[random.Next(places.Length)] + (random.Next(2) == 0 ? 0 : (uint)random.Next(0x40) * (uint)random.Next(1, 0x41));

    uint RandomValue() => random.Next(3) == 0 ? (uint)random.NextInt64(1L << 32) : values[random.Next(values.Length)];

    /// <summary>mov r32, value.</summary>
    void Load(int register, uint value)
    {
        Span<byte> bytes = [(byte)(0xB8 + register), 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[1..], value);
        Add(bytes);
    }

    void Add(ReadOnlySpan<byte> bytes) => code.AddRange(bytes);
}
