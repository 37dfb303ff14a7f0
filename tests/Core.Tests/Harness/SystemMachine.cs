using Iced.Intel;
using static FastVcpu.Tests.Descriptors;

namespace FastVcpu.Tests;

/// <summary>How a machine begins.</summary>
/// <param name="Bits">Size of the code.</param>
/// <param name="Cpl">Privilege level.</param>
/// <param name="Paging">Paging structures that map the first 256 KiB to itself, for every level.</param>
/// <param name="IsLong">In long mode: 64-bit or compatibility mode.</param>
/// <param name="IsVirtual8086">In virtual-8086 mode.</param>
public sealed record Start(int Bits = 32, int Cpl = 0, Paging Paging = Paging.None, bool IsLong = false, bool IsVirtual8086 = false)
{
    public static readonly Start Protected32 = new(), Protected16 = new(16), Paged32 = new(Paging: Paging.TwoLevels), Pae = new(Paging: Paging.Pae);
    public static readonly Start Long = new(64, Paging: Paging.FourLevels, IsLong: true), Compatibility = new(32, Paging: Paging.FourLevels, IsLong: true);
    public static readonly Start User32 = Protected32 with { Cpl = 3 }, User64 = Long with { Cpl = 3 };
    public static readonly Start Virtual8086 = new(16, 3, IsVirtual8086: true);
}

/// <summary>An event that a handler has seen: its frame.</summary>
readonly record struct Seen(int Vector, uint? ErrorCode, ulong Rip, ushort Cs, ulong Flags, ulong Rsp, ushort Ss);

/// <summary>
/// A system vCPU with descriptor tables, a TSS, stacks for every level and, if wanted, paging; all below 64 KiB at the same linear, physical and
/// segment address. Every vector leads to a HLT at level 0, so that a run ends with the first event and <see cref="See"/> tells what it was.
/// </summary>
sealed class SystemMachine : IDisposable
{
    public const ulong Idt = 0x1000, Gdt = 0x2000, Ldt = 0x3000, Tss = 0x4000, OtherTss = 0x6000, Origin = 0x7000, Handlers = 0x8000;
    public const ulong Stack0 = 0xA000, Stack1 = 0xA800, Stack2 = 0xB000, Stack3 = 0xC000, InterruptStack = 0xC800, Data = 0xD000, Tables = 0x10000;
    public const uint TssLimit = 0x1FFF, LdtLimit = 0xFFF, GdtLimit = 0xFFF;
    public const int IoMap = 0x100;

    // Selectors of the GDT; the descriptors from Free on are the test's.
    public const ushort Code32 = 0x08, Data32 = 0x10, Code16 = 0x18, Data16 = 0x20, Code64 = 0x28, UserCode32 = 0x33, UserData = 0x3B, UserCode64 = 0x43, UserCode16 = 0x4B;
    public const ushort TssSelector = 0x50, LdtSelector = 0x60, Code32Level1 = 0x71, Data32Level1 = 0x79, Code32Level2 = 0x82, Data32Level2 = 0x8A, ConformingCode32 = 0x90;
    public const ushort Free = 0x100;

    const ulong Mapped = 0x40000;
    const int HandlerSize = 16;
    const byte Hlt = 0xF4;

    readonly Start start;

    public SystemMachine(Start start, Action<Assembler> code, CpuModel? model = null, Clock? clock = null, Action<VirtualMachine>? devices = null)
        : this(start, Guest.Assemble(start.Bits, code, Origin), model, clock, devices)
    {
    }

    public SystemMachine(Start start, byte[] code, CpuModel? model = null, Clock? clock = null, Action<VirtualMachine>? devices = null)
    {
        this.start = start;
        Vm = new VirtualMachine(clock ?? new RealClock());
        devices?.Invoke(Vm);
        Vm.AllocateMemory(0, 0, 4 << 20);
        Cpu = Vm.CreateVcpu(model ?? CpuModel.Max);
        Pages = new PageTables(Vm, start.Paging, Tables);
        for (ulong page = 0; page < Mapped && start.Paging != Paging.None; page += 0x1000)
        {
            Pages.Map(page, page);
        }
        WriteTables();
        Write(Origin, code);
        Write(Origin + (ulong)code.Length, Hlt);
        CodeEnd = Origin + (ulong)code.Length;
        Begin();
    }

    public VirtualMachine Vm { get; }

    public Vcpu Cpu { get; }

    public PageTables Pages { get; }

    public RegisterFile Regs => Cpu.Regs;

    /// <summary>Where the code ends, with a HLT.</summary>
    public ulong CodeEnd { get; }

    /// <summary>The code ran to the HLT behind it.</summary>
    public bool IsDone => Exit.Reason == ExitReason.Hlt && Regs.Rip == CodeEnd + 1;

    public VcpuExit Exit { get; private set; }

    public SystemRegisters System { get => Cpu.SystemRegisters; set => Cpu.SystemRegisters = value; }

    /// <summary>Bytes of a stack slot in handlers: those of the gates that <see cref="SetGates"/> has set.</summary>
    public int Slot { get; private set; }

    public static ulong Handler(int vector) => Handlers + (ulong)(vector * HandlerSize);

    public VcpuExit Run(long instructions = 10_000) => Exit = Cpu.Run(instructions);

    /// <summary>Runs to a handler and tells what it has seen.</summary>
    public Seen See(long instructions = 10_000)
    {
        Run(instructions);
        ulong at = Regs.Rip - 1;
        Assert.True(Exit.Reason == ExitReason.Hlt && at >= Handlers && at < Handlers + 256 * HandlerSize, $"{Exit} at {Regs.Rip:x}");
        return Frame((int)(at - Handlers) / HandlerSize);
    }

    /// <summary>Asserts that the code runs to its end.</summary>
    public SystemMachine Done()
    {
        Run();
        Assert.True(IsDone, $"{Exit} at {Regs.Rip:x}, error code {(Regs.Rsp < Mapped ? Read<uint>(Regs.Rsp) : 0):x}");
        return this;
    }

    /// <summary>Asserts that the instruction at <paramref name="rip"/> (the first, if not given) faults.</summary>
    public Seen Faults(int vector, uint? errorCode = null, ulong rip = Origin)
    {
        Seen seen = See();
        Assert.Equal((vector, errorCode, rip), (seen.Vector, seen.ErrorCode, seen.Rip));
        return seen;
    }

    /// <summary>The frame at the stack pointer, of an event with this vector.</summary>
    public Seen Frame(int vector)
    {
        bool hasCode = vector is 8 or (>= 10 and <= 14) or 17 or 21;
        ulong at = Cpu.Segments.Ss.Base + ((Cpu.Segments.Ss.Attributes & 0x4000) != 0 || start.IsLong ? Regs.Rsp : (ushort)Regs.Rsp);
        ulong first = hasCode ? 1UL : 0, slot = (ulong)Slot;
        return new Seen(vector, hasCode ? (uint)Word(at) : null, Word(at + first * slot), (ushort)Word(at + (first + 1) * slot), Word(at + (first + 2) * slot),
            Word(at + (first + 3) * slot), (ushort)Word(at + (first + 4) * slot));
    }

    /// <summary>A stack slot.</summary>
    public ulong Word(ulong address) => Slot switch { 2 => Read<ushort>(address), 4 => Read<uint>(address), _ => Read<ulong>(address) };

    public void Write(ulong address, params byte[] bytes) => Assert.True(Vm.TryWritePhysical(address, bytes));

    public unsafe void Write<T>(ulong address, T value) where T : unmanaged => Assert.True(Vm.TryWritePhysical(address, new Span<byte>(&value, sizeof(T))));

    public unsafe T Read<T>(ulong address) where T : unmanaged
    {
        T value;
        Assert.True(Vm.TryReadPhysical(address, new Span<byte>(&value, sizeof(T))));
        return value;
    }

    /// <summary>Writes code of the machine's size, or another.</summary>
    public void Assemble(ulong address, Action<Assembler> code, int bits = 0) => Write(address, Guest.Assemble(bits == 0 ? start.Bits : bits, code, address));

    public void SetDescriptor(int selector, ulong low, ulong high = 0)
    {
        ulong at = ((selector & 4) != 0 ? Ldt : Gdt) + (ulong)(selector & ~7);
        Write(at, low);
        if (high != 0)
        {
            Write(at + 8, high);
        }
    }

    public ulong GetDescriptor(int selector) => Read<ulong>(((selector & 4) != 0 ? Ldt : Gdt) + (ulong)(selector & ~7));

    public void SetGate(int vector, ulong low, ulong high = 0)
    {
        Write(Idt + (ulong)vector * (start.IsLong ? 16u : 8), low);
        if (start.IsLong)
        {
            Write(Idt + (ulong)vector * 16 + 8, high);
        }
    }

    /// <summary>Gates of one type for all vectors.</summary>
    public void SetGates(int type, ushort selector, int dpl = 3)
    {
        Slot = start.IsLong ? 8 : (type & 8) != 0 ? 4 : 2;
        for (int vector = 0; vector < 256; vector++)
        {
            SetGate(vector, Gate(type, selector, Handler(vector), dpl));
        }
    }

    /// <summary>Begins at the code with registers as at first, after a change of the tables.</summary>
    public void Begin()
    {
        bool paged = start.Paging != Paging.None;
        ushort code = start.Bits switch { 16 => start.Cpl == 3 ? UserCode16 : Code16, 32 => start.Cpl == 3 ? UserCode32 : Code32, _ => start.Cpl == 3 ? UserCode64 : Code64 };
        ushort data = start.Cpl == 3 ? UserData : start.Bits == 16 ? Data16 : Data32;
        (code, data) = start.Cpl switch { 1 => (Code32Level1, Data32Level1), 2 => (Code32Level2, Data32Level2), _ => (code, data) };
        SystemRegisters system = Cpu.SystemRegisters;
        Cpu.SystemRegisters = system with
        {
            Cr0 = system.Cr0 & ~0x60000000UL | 1 | (paged ? 0x80000000 : 0),
            Cr3 = paged ? Pages.Root : 0,
            Cr4 = start.Paging switch { Paging.None or Paging.TwoLevels => 0, Paging.FiveLevels => 0x1020, _ => 0x20 },
            Efer = start.IsLong ? 0x500u : 0,
            Gdt = new TableRegister(Gdt, (ushort)GdtLimit),
            Idt = new TableRegister(Idt, (ushort)(start.IsLong ? 0xFFF : 0x7FF)),
            Tr = Register(TssSelector) with { Attributes = (ushort)(Register(TssSelector).Attributes | 2) },
            Ldt = Register(LdtSelector),
            Cs = start.IsVirtual8086 ? Virtual(0) : Register(code),
            Ss = start.IsVirtual8086 ? Virtual(0) : Register(data),
            Ds = start.IsVirtual8086 ? Virtual(0) : Register(data),
            Es = start.IsVirtual8086 ? Virtual(0) : Register(data),
            Fs = start.IsVirtual8086 ? Virtual(0) : default,
            Gs = start.IsVirtual8086 ? Virtual(0) : default,
        };
        Regs.Rip = Origin;
        Regs.Rsp = start.Cpl switch { 0 => Stack0, 1 => Stack1, 2 => Stack2, _ => Stack3 };
        Regs.Rflags = start.IsVirtual8086 ? 0x20002u : 2;
    }

    /// <summary>The hidden part of a segment register, from the descriptor tables.</summary>
    public SegmentRegister Register(ushort selector)
    {
        ulong low = GetDescriptor(selector);
        uint limit = (uint)(low & 0xFFFF) | (uint)(low >> 32) & 0xF0000;
        return new SegmentRegister
        {
            Selector = selector,
            Base = low >> 16 & 0xFFFFFF | low >> 56 << 24,
            Limit = (low >> 55 & 1) != 0 ? limit << 12 | 0xFFF : limit,
            Attributes = (ushort)(low >> 40 & 0xF0FF),
        };
    }

    public void Dispose() => Vm.Dispose();

    static SegmentRegister Virtual(ushort selector) => new() { Selector = selector, Base = (ulong)selector << 4, Limit = 0xFFFF, Attributes = 0xF3 };

    void WriteTables()
    {
        SetDescriptor(Code32, Segment(CodeReadable | Accessed));
        SetDescriptor(Data32, Segment(DataWritable | Accessed));
        SetDescriptor(Code16, Segment16(CodeReadable | Accessed));
        SetDescriptor(Data16, Segment16(DataWritable | Accessed));
        SetDescriptor(Code64, Segment(CodeReadable | Accessed, flags: Long | Granular));
        SetDescriptor(UserCode32, Segment(CodeReadable | Accessed, 3));
        SetDescriptor(UserData, Segment(DataWritable | Accessed, 3));
        SetDescriptor(UserCode64, Segment(CodeReadable | Accessed, 3, flags: Long | Granular));
        SetDescriptor(UserCode16, Segment16(CodeReadable | Accessed, 3));
        SetDescriptor(Code32Level1, Segment(CodeReadable | Accessed, 1));
        SetDescriptor(Data32Level1, Segment(DataWritable | Accessed, 1));
        SetDescriptor(Code32Level2, Segment(CodeReadable | Accessed, 2));
        SetDescriptor(Data32Level2, Segment(DataWritable | Accessed, 2));
        SetDescriptor(ConformingCode32, Segment(ConformingReadable | Accessed));
        SetDescriptor(TssSelector, Descriptors.System(BusyTss32, Tss, TssLimit));
        SetDescriptor(LdtSelector, Descriptors.System(LocalTable, Ldt, LdtLimit));
        SetGates(InterruptGate32, start.IsLong ? Code64 : Code32);
        for (int vector = 0; vector < 256; vector++)
        {
            Write(Handler(vector), Hlt);
        }
        WriteTaskState();
    }

    void WriteTaskState()
    {
        if (start.IsLong)
        {
            Write(Tss + 4, Stack0 - 0x100);
            Write(Tss + 12, Stack1);
            Write(Tss + 20, Stack2);
            Write(Tss + 0x24, InterruptStack);
        }
        else
        {
            Write(Tss + 4, (uint)Stack0 - 0x100);
            Write(Tss + 8, (uint)Data32);
            Write(Tss + 12, (uint)Stack1);
            Write(Tss + 16, (uint)Data32Level1);
            Write(Tss + 20, (uint)Stack2);
            Write(Tss + 24, (uint)Data32Level2);
        }
        Write(Tss + 0x66, (ushort)IoMap);
        Write(Tss + IoMap - 32, Enumerable.Repeat((byte)0xFF, 0x2000 + 33).ToArray().AsSpan(0, (int)TssLimit + 1 - IoMap + 32).ToArray());
    }
}
