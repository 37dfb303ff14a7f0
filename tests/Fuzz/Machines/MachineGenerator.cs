using FastVcpu.Fuzz.Code;

namespace FastVcpu.Fuzz.Machines;

/// <summary>What the host does at a certain instruction.</summary>
/// <param name="At">How many instructions have retired.</param>
/// <param name="Seed">Decides what.</param>
readonly record struct HostAction(long At, int Seed);

/// <summary>A random machine: memory, registers, and what the host does while it runs. Made again and again in the same arrays.</summary>
sealed class MachineGenerator
{
    const int PoolSize = 1 << 20, MostActions = 8, MostMutations = 16, LibrarySize = 1 << 18;

    /// <summary>So many seeds in a row share code, of which each takes other parts and changes some bytes.</summary>
    const int SeedsOfLibrary = 5000;

    readonly SystemCode[] code = [.. new[] { 16, 32, 64 }.Select(bits => new SystemCode(new InstructionPool(bits, CpuModel.Max, seed: 1)))];
    readonly byte[][] library = [new byte[LibrarySize], new byte[LibrarySize], new byte[LibrarySize]];
    int libraryNumber = -1;
    readonly byte[] noise = new byte[PoolSize];
    readonly Dictionary<string, (ulong Cr0, ulong Cr4, ulong Efer)> bits = [];

    public MachineGenerator() => new Random(1).NextBytes(noise);

    /// <summary>The memory of each slot of <see cref="Layout.Slots"/>.</summary>
    public byte[][] Memory { get; } = [.. Layout.Slots.Select(slot => new byte[slot.Size])];

    public MachineShape Shape { get; private set; }

    public GeneralRegisters Registers { get; private set; }

    public SystemRegisters System { get; private set; }

    public DebugRegisters Debug { get; private set; }

    public IReadOnlyList<HostAction> Actions { get; private set; } = [];

    public byte[] Extended { get; } = new byte[4096];

    public void Make(int seed, long limit)
    {
        Random random = new(seed);
        FillLibrary(seed / SeedsOfLibrary);
        Shape = MachineShape.Next(random);
        foreach (byte[] memory in Memory)
        {
            noise.AsSpan(random.Next(PoolSize - memory.Length), memory.Length).CopyTo(memory);
        }
        byte[] ram = Memory[0];
        Copy(random, 0, ram.AsSpan(Layout.Code16, Layout.CodeSize));
        Copy(random, 1, ram.AsSpan(Layout.Code32, Layout.CodeSize));
        Copy(random, 2, ram.AsSpan(Layout.Code64, Layout.CodeSize));
        Copy(random, random.Next(3), Memory[1].AsSpan(0, Layout.PageSize));
        Copy(random, 0, ram.AsSpan(Layout.SmmEntry, 64));
        ram[Layout.SmmEntry + 64 + random.Next(8)] = 0x0F;
        ram.AsSpan(Layout.SmmEntry + 72, 64).Fill(0x0F);
        for (int i = 73; i < 136; i += 2)
        {
            ram[Layout.SmmEntry + i] = 0xAA;
        }
        Descriptors.FillHandlers(ram);
        new Descriptors(random, ram, Shape).Fill();
        new PageTables(random, Memory[2], Shape).Fill();
        MakeRegisters(random);
        HostAction[] actions = new HostAction[random.Next(MostActions)];
        for (int i = 0; i < actions.Length; i++)
        {
            actions[i] = new HostAction(random.NextInt64(limit), random.Next());
        }
        Actions = [.. actions.OrderBy(action => action.At)];
    }

    void FillLibrary(int number)
    {
        if (number == libraryNumber)
        {
            return;
        }
        libraryNumber = number;
        Random random = new(number);
        for (int i = 0; i < library.Length; i++)
        {
            code[i].Fill(random, library[i]);
        }
    }

    /// <summary>A piece of the library with a few bytes changed.</summary>
    void Copy(Random random, int size, Span<byte> destination)
    {
        library[size].AsSpan(random.Next(LibrarySize - destination.Length), destination.Length).CopyTo(destination);
        for (int n = random.Next(MostMutations); n > 0; n--)
        {
            destination[random.Next(destination.Length)] = (byte)random.Next();
        }
    }

    void MakeRegisters(Random random)
    {
        ulong[] values = new ulong[16];
        for (int i = 0; i < 16; i++)
        {
            values[i] = random.Next(6) == 0 ? (ulong)random.NextInt64() >> random.Next(64) : Layout.Address(random);
        }
        if (Shape.Bits == 16)
        {
            values[4] &= 0xFFFF;
        }
        ulong code = (ulong)(Shape.Bits switch { 16 => Layout.Code16, 32 => Layout.Code32, _ => Layout.Code64 } + random.Next(Layout.CodeSize / 2));
        const ulong VirtualMode = 1 << 17, Trap = 1 << 8, Interrupts = 1 << 9, Resume = 1 << 16;
        ulong flags = (ulong)random.Next() & (0x3C4CD5 | Interrupts | (random.Next(10) == 0 ? Trap | Resume : 0)) | 2 | (Shape.Mode == MachineMode.Virtual8086 ? VirtualMode : 0);
        Registers = new GeneralRegisters
        {
            Rax = values[0],
            Rcx = values[1],
            Rdx = values[2],
            Rbx = values[3],
            Rsp = (ulong)(Shape.Bits == 16 ? random.Next(0x10000) : Layout.Stack + random.Next(0x100, Layout.StackSize)) & ~7UL,
            Rbp = values[5],
            Rsi = values[6],
            Rdi = values[7],
            R8 = values[8],
            R9 = values[9],
            R10 = values[10],
            R11 = values[11],
            R12 = values[12],
            R13 = values[13],
            R14 = values[14],
            R15 = values[15],
            Rip = code,
            Rflags = flags,
        };
        Debug = new DebugRegisters(Layout.Address(random), Layout.Address(random), Layout.Address(random), code + (ulong)random.Next(64), 0xFFFF0FF0,
            random.Next(5) == 0 ? (uint)random.Next() & 0xFFFF_03FF | 0x400 : 0x400);
        noise.AsSpan(random.Next(PoolSize - Extended.Length), Extended.Length).CopyTo(Extended);
        MakeSystem(random);
    }

    void MakeSystem(Random random)
    {
        const ulong Protection = 1, Paging = 1UL << 31, WriteProtect = 1 << 16, NumericError = 1 << 5;
        const ulong Emulation = 4, TaskSwitched = 8, AlignmentMask = 1 << 18, CacheDisable = 1 << 30;
        const ulong Pse = 1 << 4, Pae = 1 << 5, La57 = 1 << 12, Fxsr = 1 << 9, XmmException = 1 << 10, Xsave = 1 << 18, ProcessIds = 1 << 17, ExecutionPrevention = 1 << 20, AccessPrevention = 1 << 21;
        (ulong all0, ulong all4, ulong allEfer) = BitsOf(Shape.Model);
        ulong cr0 = 0x10 | (Shape.IsReal ? 0 : Protection) | (Shape.Paging == PagingMode.None ? 0 : Paging) | (random.Next(2) == 0 ? WriteProtect : 0) | (random.Next(2) == 0 ? NumericError : 0)
            | (random.Next(12) == 0 ? Emulation : 0) | (random.Next(12) == 0 ? TaskSwitched : 0) | (random.Next(3) == 0 ? AlignmentMask : 0) | (random.Next(9) == 0 ? CacheDisable : 0);
        cr0 &= all0;
        ulong cr4 = ((ulong)random.Next() & 0x3F0F9F | (random.Next(10) > 0 ? Fxsr | XmmException | Xsave : 0) | (random.Next(2) == 0 ? Pse : 0)) & all4 & ~(Pae | La57);
        cr4 &= random.Next(5) > 0 ? ~(ExecutionPrevention | AccessPrevention) : ~0UL;
        cr4 |= Shape.Paging is PagingMode.Extended or PagingMode.FourLevels or PagingMode.FiveLevels ? Pae : 0;
        cr4 |= Shape.Paging == PagingMode.FiveLevels ? La57 : 0;
        cr4 &= Shape.IsLong ? ~0UL : ~ProcessIds;
        ulong efer = ((ulong)random.Next() & 0x4801 | 1) & allEfer | (Shape.IsLong ? 0x500u : 0);
        ushort codeSelector = Shape.IsUser ? Layout.UserCode : Layout.KernelCode, dataSelector = Shape.IsUser ? Layout.UserData : Layout.KernelData;
        const ushort Data16 = 0x0093, Data32 = 0xC093, Code16 = 0x009B, Code32 = 0xC09B, Code64 = 0xA09B, User = 0x60, Virtual8086 = 0xF3;
        ushort level = Shape.IsUser ? User : (ushort)0;
        SegmentRegister data = new() { Selector = dataSelector, Limit = uint.MaxValue, Attributes = (ushort)(Data32 | level) };
        SegmentRegister code = Shape.Mode switch
        {
            MachineMode.Long => new() { Selector = codeSelector, Limit = uint.MaxValue, Attributes = (ushort)(Code64 | level) },
            MachineMode.Protected32 or MachineMode.Compatibility => new() { Selector = codeSelector, Limit = uint.MaxValue, Attributes = (ushort)(Code32 | level) },
            MachineMode.Protected16 => new() { Selector = codeSelector, Limit = 0xFFFF, Attributes = (ushort)(Code16 | level) },
            _ => default,
        };
        SegmentRegister stack = Shape.Mode == MachineMode.Protected16 ? data with { Base = Layout.Stack, Limit = 0xFFFF, Attributes = (ushort)(Data16 | level) } : data;
        SegmentRegister[] others = [data, data, data, data];
        if (Shape.IsReal || Shape.Mode == MachineMode.Virtual8086)
        {
            ushort attributes = Shape.IsReal ? Data16 : Virtual8086;
            uint limit = Shape.Mode == MachineMode.BigReal ? uint.MaxValue : 0xFFFF;
            code = Real(0, 0xFFFF, Shape.IsReal ? Code16 : Virtual8086);
            stack = Real(Layout.Stack >> 4, 0xFFFF, attributes);
            others = [.. others.Select(_ => Real((ushort)((Layout.Data >> 4) + random.Next(-0x400, 0x400)), limit, attributes))];
        }
        int entry = Shape.Model == CpuModel.I80286 || Shape.Model == CpuModel.I8086 ? 8 : Shape.IsLong ? 16 : 8;
        System = new SystemRegisters
        {
            Cs = code,
            Ss = stack,
            Ds = others[0],
            Es = others[1],
            Fs = random.Next(2) == 0 && !Shape.IsReal && Shape.Mode != MachineMode.Virtual8086 ? others[2] with { Base = Layout.Address(random) & uint.MaxValue } : others[2],
            Gs = others[3],
            Tr = new SegmentRegister
            {
                Selector = Layout.TaskSelector,
                Base = Layout.Task,
                Limit = 0x1FFF,
                Attributes = Shape.Model == CpuModel.I80286 ? (ushort)0x83 : (ushort)0x8B,
            },
            Ldt = new SegmentRegister { Selector = Layout.LdtSelector, Base = Layout.Ldt, Limit = 0x1FF, Attributes = 0x82 },
            Gdt = new TableRegister(Layout.Gdt, (ushort)(random.Next(10) == 0 ? random.Next(0x200) : 0x1FF)),
            Idt = Shape.IsReal ? new TableRegister(0, 0x3FF) : new TableRegister(Layout.Idt, (ushort)(random.Next(10) == 0 ? random.Next(0x1000) : 256 * entry - 1)),
            Cr0 = cr0,
            Cr2 = Layout.Address(random),
            Cr3 = Layout.Extended,
            Cr4 = cr4,
            Cr8 = (ulong)random.Next(Shape.IsLong ? 16 : 1),
            Efer = efer,
            ApicBase = System.ApicBase,
        };
    }

    static SegmentRegister Real(ushort selector, uint limit, ushort attributes) => new() { Selector = selector, Base = (ulong)selector << 4, Limit = limit, Attributes = attributes };

    /// <summary>The bits of CR0, CR4 and EFER that a model has: those that may be set while paging is off.</summary>
    (ulong Cr0, ulong Cr4, ulong Efer) BitsOf(CpuModel model)
    {
        if (bits.TryGetValue(model.Name, out (ulong Cr0, ulong Cr4, ulong Efer) known))
        {
            return known;
        }
        using VirtualMachine machine = new();
        Vcpu cpu = machine.CreateVcpu(model);
        SystemRegisters reset = cpu.SystemRegisters;
        ulong cr4 = Bits(bit => reset with { Cr4 = bit }), efer = Bits(bit => reset with { Efer = bit });
        // CR0 is written by whoever can write it; a model without a bit must do with it.
        ulong cr0 = model == CpuModel.I8086 ? 0 : model == CpuModel.I80286 ? 0x1F : model == CpuModel.I386 ? 0x8000001Fu : 0xE005003F;
        return bits[model.Name] = (cr0, cr4, efer);

        ulong Bits(Func<ulong, SystemRegisters> with)
        {
            ulong found = 0;
            for (int i = 0; i < 32; i++)
            {
                try
                {
                    cpu.SystemRegisters = with(1UL << i);
                    found |= 1UL << i;
                }
                catch (ArgumentException)
                {
                    // It has no such bit.
                }
            }
            return found;
        }
    }
}
