namespace FastVcpu.Tests;

/// <summary>Descriptors and gates, as bits (SDM Vol. 3 3.4.5, 5.8.3, 6.11).</summary>
static class Descriptors
{
    // Types of code and data segments, with the S bit.
    public const int DataReadOnly = 0x10, DataWritable = 0x12, ExpandDown = 0x16, ExpandDownReadOnly = 0x14;
    public const int ExecuteOnly = 0x18, CodeReadable = 0x1A, Conforming = 0x1C, ConformingReadable = 0x1E, Accessed = 1;

    // Types of system descriptors.
    public const int Tss16 = 1, LocalTable = 2, BusyTss16 = 3, CallGate16 = 4, TaskGate = 5, InterruptGate16 = 6, TrapGate16 = 7;
    public const int Tss32 = 9, BusyTss32 = 11, CallGate32 = 12, InterruptGate32 = 14, TrapGate32 = 15;

    // Flags of the upper doubleword.
    public const int Long = 1, Big = 2, Granular = 4;

    /// <summary>A segment or system descriptor; the limit is in the units of its granularity.</summary>
    public static ulong Segment(int type, int dpl = 0, ulong address = 0, uint limit = 0xFFFFF, int flags = Big | Granular, bool present = true) =>
        limit & 0xFFFF
        | (address & 0xFFFFFF) << 16
        | (ulong)(type | dpl << 5 | (present ? 0x80 : 0)) << 40
        | (ulong)(limit >> 16 & 0xF) << 48
        | (ulong)(flags << 1) << 52
        | (address >> 24 & 0xFF) << 56;

    /// <summary>A segment of up to 64 KiB with the size of the 80286.</summary>
    public static ulong Segment16(int type, int dpl = 0, ulong address = 0, uint limit = 0xFFFF, bool present = true) =>
        Segment(type, dpl, address, limit, 0, present);

    /// <summary>A TSS or LDT.</summary>
    public static ulong System(int type, ulong address, uint limit, int dpl = 0, bool present = true) => Segment(type, dpl, address, limit, 0, present);

    /// <summary>The first eight bytes of a gate; a count of parameters or the number of an interrupt stack stands in its middle.</summary>
    public static ulong Gate(int type, int selector, ulong offset = 0, int dpl = 0, int count = 0, bool present = true) =>
        offset & 0xFFFF
        | (ulong)(ushort)selector << 16
        | (ulong)count << 32
        | (ulong)(type | dpl << 5 | (present ? 0x80 : 0)) << 40
        | (offset >> 16 & 0xFFFF) << 48;

    /// <summary>A descriptor with a byte of attributes (bits 40–47) changed.</summary>
    public static int Access(ulong descriptor) => (int)(descriptor >> 40) & 0xFF;
}
