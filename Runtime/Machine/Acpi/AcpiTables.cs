using System.Buffers.Binary;
using FastVcpu.Machine.Devices;
using FastVcpu.Machine.Devices.Pci;

namespace FastVcpu.Machine.Acpi;

/// <summary>
/// The tables that describe a PC to its operating system (ACPI 6.5, 5.2). They are built for address 0; <see cref="Pointers"/> and <see cref="Checksums"/> say what
/// changes when they are put elsewhere, so that a loader here and firmware can both do it.
/// </summary>
sealed class AcpiTables
{
    const int HeaderSize = 36, LengthAt = 4, ChecksumAt = 9, FacsSize = 64, FacsAlignment = 64, FadtSize = 244, RootPointerSize = 36, RootPointerChecked = 20, TableAlignment = 16;

    // Fields of the FADT.
    const int Facs = 36, Dsdt = 40, SciInterrupt = 46, EventBlock = 56, ControlBlock = 64, TimerBlock = 76, EventLength = 88, ControlLength = 89, TimerLength = 91;
    const int C2Latency = 96, C3Latency = 98, Century = 108, BootArchitecture = 109, FixedFlags = 112, ResetRegister = 116, ResetValue = 128, LongDsdt = 140;
    const int LongEventBlock = 148, LongControlBlock = 172, LongTimerBlock = 208;
    const ushort NoState = 0xFFF, LegacyDevices = 1, HasKeyboardController = 2;
    const uint CacheFlushWorks = 1, HasC1 = 4, NoSleepButton = 0x20, NoFixedClock = 0x40, LongTimer = 0x100, CanReset = 0x400;
    const byte CenturyRegister = 0x32, SystemPorts = 1, HardReset = 6;

    const uint LocalApicAddress = 0xFEE00000, IoApicAddress = 0xFEC00000, HasPics = 1, IsUsable = 1;
    const byte LocalApicEntry = 0, IoApicEntry = 1, OverrideEntry = 2, LocalNmiEntry = 4, AllProcessors = 0xFF;
    const byte LevelHigh = 0xD;

    readonly List<byte> blob = [];
    readonly List<(int Offset, int Size)> pointers = [];
    readonly List<(int Start, int Length)> checksums = [];

    AcpiTables()
    {
    }

    /// <summary>Line of the system control interrupt.</summary>
    public const byte SystemControlInterrupt = 9;

    /// <summary>All tables.</summary>
    public byte[] Tables { get; private set; } = [];

    /// <summary>The root pointer, which points to them.</summary>
    public byte[] RootPointer { get; private set; } = [];

    /// <summary>Where addresses of tables stand in the tables, and their sizes.</summary>
    public IReadOnlyList<(int Offset, int Size)> Pointers => pointers;

    /// <summary>Tables whose checksum the pointers change.</summary>
    public IReadOnlyList<(int Start, int Length)> Checksums => checksums;

    /// <summary>Where addresses stand in the root pointer.</summary>
    public static IReadOnlyList<(int Offset, int Size)> RootPointers => [(16, 4), (24, 8)];

    /// <summary>The checksums of the root pointer, by their own place and how much they cover.</summary>
    public static IReadOnlyList<(int At, int Length)> RootChecksums => [(8, RootPointerChecked), (32, RootPointerSize)];

    /// <summary>Offset of a table's checksum in it.</summary>
    public static int ChecksumOffset => ChecksumAt;

    /// <summary>Describes a machine.</summary>
    /// <param name="processors">Number of processors.</param>
    /// <param name="interruptOfDevice">The interrupt of a PCI device's pin A.</param>
    public static AcpiTables Build(int processors, Func<int, byte> interruptOfDevice)
    {
        AcpiTables tables = new();
        int facs = tables.AddFacs();
        int dsdt = tables.AddTable("DSDT", 2, Description(interruptOfDevice));
        int fadt = tables.AddFadt(facs, dsdt);
        int madt = tables.AddTable("APIC", 3, Interrupts(processors));
        int rsdt = tables.AddRoot("RSDT", 4, [fadt, madt]);
        int xsdt = tables.AddRoot("XSDT", 8, [fadt, madt]);
        tables.Tables = [.. tables.blob];
        tables.RootPointer = BuildRootPointer(rsdt, xsdt);
        tables.checksums.ForEach(table => SetChecksum(tables.Tables.AsSpan(table.Start, table.Length), ChecksumAt));
        return tables;
    }

    /// <summary>The tables and their root pointer as they are at an address: first the pointer, then the tables on the next page.</summary>
    public byte[] At(uint address)
    {
        byte[] placed = [.. RootPointer, .. new byte[Boot.BootMemory.PageSize - RootPointerSize], .. Tables];
        uint tablesAt = address + Boot.BootMemory.PageSize;
        Span<byte> tables = placed.AsSpan((int)Boot.BootMemory.PageSize);
        foreach ((int offset, int size) in Pointers)
        {
            Relocate(tables[offset..], size, tablesAt);
        }
        foreach ((int start, int length) in Checksums)
        {
            SetChecksum(tables.Slice(start, length), ChecksumAt);
        }
        foreach ((int offset, int size) in RootPointers)
        {
            Relocate(placed.AsSpan(offset), size, tablesAt);
        }
        foreach ((int at, int length) in RootChecksums)
        {
            SetChecksum(placed.AsSpan(0, length), at);
        }
        return placed;
    }

    static void Relocate(Span<byte> field, int size, uint by)
    {
        if (size == sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(field, BinaryPrimitives.ReadUInt32LittleEndian(field) + by);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(field, BinaryPrimitives.ReadUInt64LittleEndian(field) + by);
        }
    }

    /// <summary>All bytes of a table add up to zero.</summary>
    static void SetChecksum(Span<byte> table, int at)
    {
        table[at] = 0;
        byte sum = 0;
        foreach (byte value in table)
        {
            sum += value;
        }
        table[at] = (byte)-sum;
    }

    static byte[] BuildRootPointer(int rsdt, int xsdt)
    {
        byte[] root = new byte[RootPointerSize];
        "RSD PTR "u8.CopyTo(root);
        "FASTVC"u8.CopyTo(root.AsSpan(9));
        root[15] = 2;
        BinaryPrimitives.WriteInt32LittleEndian(root.AsSpan(16), rsdt);
        BinaryPrimitives.WriteInt32LittleEndian(root.AsSpan(20), RootPointerSize);
        BinaryPrimitives.WriteInt64LittleEndian(root.AsSpan(24), xsdt);
        foreach ((int at, int length) in RootChecksums)
        {
            SetChecksum(root.AsSpan(0, length), at);
        }
        return root;
    }

    int Align(int alignment)
    {
        blob.AddRange(new byte[-blob.Count & (alignment - 1)]);
        return blob.Count;
    }

    int AddTable(string signature, byte revision, byte[] body)
    {
        int start = Align(TableAlignment);
        byte[] header = new byte[HeaderSize];
        System.Text.Encoding.ASCII.GetBytes(signature, header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(LengthAt), HeaderSize + body.Length);
        header[8] = revision;
        "FASTVC"u8.CopyTo(header.AsSpan(10));
        "FASTVCPU"u8.CopyTo(header.AsSpan(16));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(24), 1);
        "FVCP"u8.CopyTo(header.AsSpan(28));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(32), 1);
        blob.AddRange(header);
        blob.AddRange(body);
        checksums.Add((start, HeaderSize + body.Length));
        return start;
    }

    int AddFacs()
    {
        int start = Align(FacsAlignment);
        byte[] facs = new byte[FacsSize];
        "FACS"u8.CopyTo(facs);
        BinaryPrimitives.WriteInt32LittleEndian(facs.AsSpan(LengthAt), FacsSize);
        facs[32] = 2;
        blob.AddRange(facs);
        return start;
    }

    int AddFadt(int facs, int dsdt)
    {
        byte[] table = new byte[FadtSize];
        void Word(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(at), value);
        void DWord(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(at), value);
        // A generic address: space, bits, offset, access size, address.
        void Port(int at, byte bits, ulong port)
        {
            (table[at], table[at + 1], table[at + 3]) = (SystemPorts, bits, (byte)(bits / 16 + 1));
            BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(at + 4), port);
        }

        const uint Events = PowerManagement.FirstPort + PowerManagement.EventBlock, Control = PowerManagement.FirstPort + PowerManagement.ControlBlock;
        const uint Timer = PowerManagement.FirstPort + PowerManagement.TimerBlock;
        DWord(Facs, (uint)facs);
        DWord(Dsdt, (uint)dsdt);
        Word(SciInterrupt, SystemControlInterrupt);
        DWord(EventBlock, Events);
        DWord(ControlBlock, Control);
        DWord(TimerBlock, Timer);
        (table[EventLength], table[ControlLength], table[TimerLength]) = (4, 2, 4);
        Word(C2Latency, NoState);
        Word(C3Latency, NoState);
        table[Century] = CenturyRegister;
        Word(BootArchitecture, LegacyDevices | HasKeyboardController);
        DWord(FixedFlags, CacheFlushWorks | HasC1 | NoSleepButton | NoFixedClock | LongTimer | CanReset);
        Port(ResetRegister, 8, PciHost.FirstPort + 1);
        table[ResetValue] = HardReset;
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(LongDsdt), (ulong)dsdt);
        Port(LongEventBlock, 32, Events);
        Port(LongControlBlock, 16, Control);
        Port(LongTimerBlock, 32, Timer);
        int start = AddTable("FACP", 3, table[HeaderSize..]);
        pointers.AddRange([(start + Facs, 4), (start + Dsdt, 4), (start + LongDsdt, 8)]);
        return start;
    }

    int AddRoot(string signature, int pointerSize, int[] tables)
    {
        byte[] body = new byte[tables.Length * pointerSize];
        for (int i = 0; i < tables.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(i * pointerSize), tables[i]);
        }
        int start = AddTable(signature, 1, body);
        pointers.AddRange(tables.Select((_, i) => (start + HeaderSize + i * pointerSize, pointerSize)));
        return start;
    }

    /// <summary>The local APICs, the I/O APIC, and the line that is not one of the ISA bus.</summary>
    static byte[] Interrupts(int processors)
    {
        List<byte> entries = [];
        void Add(byte type, params byte[] body) => entries.AddRange([type, (byte)(body.Length + 2), .. body]);
        byte[] Address(uint address)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, address);
            return bytes;
        }

        entries.AddRange([.. Address(LocalApicAddress), .. Address(HasPics)]);
        for (int i = 0; i < processors; i++)
        {
            Add(LocalApicEntry, [(byte)i, (byte)i, .. Address(IsUsable)]);
        }
        Add(IoApicEntry, [0, 0, .. Address(IoApicAddress), .. Address(0)]);
        Add(OverrideEntry, [0, SystemControlInterrupt, .. Address(SystemControlInterrupt), LevelHigh, 0]);
        Add(LocalNmiEntry, AllProcessors, 0, 0, 1);
        return [.. entries];
    }

    static byte[] Description(Func<int, byte> interruptOfDevice)
    {
        byte[][] routes = [.. Enumerable.Range(1, 31).Select(device => Aml.Package(
            Aml.Integer((uint)device << 16 | 0xFFFF), Aml.Integer(0), Aml.Integer(0), Aml.Integer(interruptOfDevice(device))))];
        return
        [
            .. Aml.Name("_S5_", Aml.Package(Aml.Integer(PowerManagement.SoftOffType), Aml.Integer(PowerManagement.SoftOffType), Aml.Integer(0), Aml.Integer(0))),
            .. Aml.Scope(
                "_SB_",
                Aml.Device(
                    "PCI0",
                    Aml.Name("_HID", Aml.EisaId("PNP0A03")),
                    Aml.Name("_UID", Aml.Integer(0)),
                    Aml.Name("_CRS", Aml.Resources(
                        Aml.BusRange(0, 0),
                        Aml.Ports(PciHost.FirstPort, PciHost.PortCount),
                        Aml.PortRange(0, PciHost.FirstPort - 1),
                        Aml.PortRange(PciHost.FirstPort + PciHost.PortCount, 0xFFFF),
                        Aml.MemoryRange(0xA0000, 0xBFFFF),
                        Aml.MemoryRange(PciHost.MemoryWindow, PciHost.MemoryWindowEnd - 1))),
                    Aml.Name("_PRT", Aml.Package(routes)),
                    Aml.Device(
                        "ISA_",
                        Aml.Name("_ADR", Aml.Integer(0x10000)),
                        IsaDevice("COM1", "PNP0501", Aml.Ports(0x3F8, Uart16550.PortCount), Aml.Interrupt(4)),
                        IsaDevice("KBD_", "PNP0303", Aml.Ports(KeyboardController.DataPort, 1), Aml.Ports(KeyboardController.CommandPort, 1), Aml.Interrupt(1)),
                        IsaDevice("MOU_", "PNP0F13", Aml.Interrupt(12)),
                        IsaDevice("RTC_", "PNP0B00", Aml.Ports(RealTimeClock.FirstPort, RealTimeClock.PortCount), Aml.Interrupt(8))))),
        ];
    }

    static byte[] IsaDevice(string name, string id, params byte[][] resources) =>
        Aml.Device(name, Aml.Name("_HID", Aml.EisaId(id)), Aml.Name("_UID", Aml.Integer(1)), Aml.Name("_CRS", Aml.Resources(resources)));
}
