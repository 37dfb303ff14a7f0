namespace FastVcpu.Fuzz.Machines;

/// <summary>Where things lie in the physical memory of a random machine. Everything else is MMIO.</summary>
static class Layout
{
    public const int PageSize = 4096;

    /// <summary>Ordinary memory, with all of the following but the paging structures.</summary>
    public const int Ram = 0, RamSize = 0x40000;

    /// <summary>Read-only memory.</summary>
    public const int Rom = 0xF0000, RomSize = 0x4000;

    /// <summary>Above 1 MiB: the paging structures.</summary>
    public const int Extended = 0x100000, ExtendedSize = 0x10000;

    /// <summary>Above 4 GiB.</summary>
    public const ulong High = 0x1_0000_0000;
    public const int HighSize = 0x2000;

    public const int Gdt = 0x1000, Ldt = 0x2000, Idt = 0x3000, Task = 0x4000, OtherTask = 0x6000, SmallTask = 0x7000;

    /// <summary>Code of 16, 32 and 64 bits, and handlers of exceptions.</summary>
    public const int Code16 = 0x8000, Code32 = 0xA000, Code64 = 0xC000, CodeSize = 0x2000, Handlers = 0xE000;

    public const int Data = 0x10000, DataSize = 0x10000, Stack = 0x20000, StackSize = 0x10000;

    /// <summary>The default SMBASE, and where an SMI enters.</summary>
    public const int Smram = 0x30000, SmmEntry = 0x38000;

    /// <summary>The slots, in order.</summary>
    public static readonly (ulong Start, int Size, MemorySlotOptions Options)[] Slots =
    [
        (Ram, RamSize, MemorySlotOptions.None), (Rom, RomSize, MemorySlotOptions.ReadOnly), (Extended, ExtendedSize, MemorySlotOptions.LogDirtyPages), (High, HighSize, MemorySlotOptions.None),
    ];

    /// <summary>Selectors of descriptors that are as they should be most of the time.</summary>
    public const ushort KernelCode = 0x08, KernelData = 0x10, UserCode = 0x1B, UserData = 0x23, SmallCode = 0x28, OtherCode = 0x30, TaskSelector = 0x38, LdtSelector = 0x48,
        OtherTaskSelector = 0x58, CallGate = 0x68, TaskGate = 0x78, SmallTaskSelector = 0x80, SmallCallGate = 0x88;

    /// <summary>An address that means something to somebody.</summary>
    public static ulong Address(Random random) => random.Next(16) switch
    {
        0 => (ulong)random.Next(0x8000),
        1 => (ulong)(Code16 + random.Next(0x8000)),
        2 or 3 => (ulong)(Stack + random.Next(StackSize)),
        4 => (ulong)(random.Next(0x40) * PageSize + random.Next(-16, 16)) & uint.MaxValue,
        5 => (ulong)(Rom + random.Next(RomSize)),
        6 => (ulong)(Extended + random.Next(ExtendedSize)),
        7 => (ulong)random.Next(0x110000),
        8 => (ulong)(Smram + random.Next(0x10000)),
        9 => (ulong)random.NextInt64() >> random.Next(64),
        _ => (ulong)(Data + random.Next(DataSize)),
    };

    public static ushort Selector(Random random) => (ushort)(random.Next(10) switch
    {
        0 => random.Next(0x10000),
        1 or 2 => random.Next(64) * 8 | 4 | random.Next(4),
        3 => random.Next(4),
        _ => random.Next(24) * 8 | random.Next(4),
    });
}
