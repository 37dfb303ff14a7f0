namespace FastVcpu.Fuzz.Machines;

/// <summary>Fills descriptor tables, task-state segments and the vector table of real mode: mostly with what works, and with what does not.</summary>
sealed class Descriptors(Random random, byte[] ram, MachineShape shape)
{
    const byte Present = 0x80, User = 0x60, Code = 0x9A, ConformingCode = 0x9E, Data = 0x92, ExpandDown = 0x96, Tss16 = 0x81, Ldt = 0x82, CallGate16 = 0x84, TaskGate = 0x85,
        InterruptGate16 = 0x86, TrapGate16 = 0x87, Tss32 = 0x89, CallGate32 = 0x8C, InterruptGate32 = 0x8E, TrapGate32 = 0x8F;
    const byte Big = 0xC, LongCode = 0xA, Small = 0;
    const int Entries = 64, Vectors = 256, HandlerStride = 32;

    /// <summary>Vectors that push an error code.</summary>
    const uint WithErrorCode = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21;

    byte CodeFlags => shape.Mode switch
    {
        MachineMode.Long => LongCode,
        MachineMode.Compatibility or MachineMode.Protected32 => Big,
        _ => Small,
    };

    public void Fill()
    {
        FillTable(Layout.Gdt);
        FillTable(Layout.Ldt);
        // A compatibility machine has a 64-bit kernel.
        byte kernel = shape.IsLong ? LongCode : shape.Mode == MachineMode.Virtual8086 ? Big : CodeFlags;
        Segment(Layout.KernelCode, 0, uint.MaxValue, Code, kernel);
        Segment(Layout.KernelData, 0, uint.MaxValue, Data, shape.Bits == 16 && shape.Mode != MachineMode.Virtual8086 && random.Next(2) == 0 ? Small : Big);
        Segment(Layout.UserCode, 0, uint.MaxValue, Code | User, CodeFlags);
        Segment(Layout.UserData, 0, uint.MaxValue, Data | User, Big);
        Segment(Layout.SmallCode, 0, 0xFFFF, (byte)(Code | random.Next(4) << 5), Small);
        Segment(Layout.OtherCode, 0, uint.MaxValue, ConformingCode, shape.IsLong ? random.Next(2) == 0 ? LongCode : Big : CodeFlags);
        byte tss = shape.Model == CpuModel.I80286 ? Tss16 : Tss32;
        Segment(Layout.TaskSelector, Layout.Task, 0x1FFF, tss, 0);
        Segment(Layout.LdtSelector, Layout.Ldt, Entries * 8 - 1, Ldt, 0);
        Segment(Layout.OtherTaskSelector, Layout.OtherTask, 0xFFF, tss, 0);
        Gate(Layout.Gdt + Layout.CallGate, Layout.KernelCode, shape.IsLong || shape.Bits == 32 ? CallGate32 | User : CallGate16 | User, (uint)random.Next(shape.IsLong ? 1 : 4));
        Gate(Layout.Gdt + Layout.TaskGate, Layout.OtherTaskSelector, TaskGate | User, 0);
        Segment(Layout.SmallTaskSelector, Layout.SmallTask, 0x2B, Tss16, 0);
        Gate(Layout.Gdt + Layout.SmallCallGate, Layout.SmallCode, CallGate16 | User, 0);
        FillTask(Layout.Task);
        FillTask(Layout.OtherTask);
        FillSmallTask();
        FillVectors();
        for (int i = random.Next(6); i > 0; i--)
        {
            ram[Layout.Gdt + random.Next(0x90)] ^= (byte)(1 << random.Next(8));
        }
    }

    void FillTable(int table)
    {
        for (int i = 0; i < Entries; i++)
        {
            uint start = random.Next(3) == 0 ? 0 : (uint)Layout.Address(random), limit = random.Next(3) switch { 0 => uint.MaxValue, 1 => (uint)random.Next(0x10000), _ => (uint)random.Next() };
            byte access = random.Next(4) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(Pick(Code, ConformingCode, Data, ExpandDown) | random.Next(4) << 5),
                2 => (byte)(Pick(Tss16, Ldt, CallGate16, TaskGate, InterruptGate16, Tss32, CallGate32, TrapGate32) | random.Next(4) << 5),
                _ => (byte)(Present | 0x10 | random.Next(128)),
            };
            Encode(table + i * 8, start, limit, access, (byte)random.Next(16));
        }
    }

    void Segment(ushort selector, uint start, uint limit, byte access, byte flags) => Encode(Layout.Gdt + (selector & ~7), start, limit, access, flags);

    void Encode(int at, uint start, uint limit, byte access, byte flags)
    {
        if (limit > 0xFFFFF)
        {
            limit >>= 12;
            flags |= 8;
        }
        ulong value = limit & 0xFFFF | (ulong)(start & 0xFFFFFF) << 16 | (ulong)access << 40 | (ulong)(limit >> 16 & 15) << 48 | (ulong)(flags & 15) << 52 | (ulong)(start >> 24) << 56;
        BitConverter.TryWriteBytes(ram.AsSpan(at), value);
        if (shape.IsLong && (access & 0x10) == 0)
        {
            BitConverter.TryWriteBytes(ram.AsSpan(at + 8), random.Next(30) == 0 ? (ulong)random.Next() : 0);
        }
    }

    void Gate(int at, ushort selector, int access, uint parameters, uint? offset = null)
    {
        uint target = offset ?? (uint)((shape.IsLong ? Layout.Code64 : shape.Bits == 32 ? Layout.Code32 : Layout.Code16) + random.Next(Layout.CodeSize));
        ulong value = target & 0xFFFF | (ulong)selector << 16 | (ulong)(parameters & 31) << 32 | (ulong)(byte)access << 40 | (ulong)(target >> 16) << 48;
        BitConverter.TryWriteBytes(ram.AsSpan(at), value);
        if (shape.IsLong)
        {
            BitConverter.TryWriteBytes(ram.AsSpan(at + 8), random.Next(60) == 0 ? (ulong)random.Next() : 0);
        }
    }

    void FillVectors()
    {
        if (shape.IsReal)
        {
            for (int vector = 0; vector < Vectors; vector++)
            {
                int target = random.Next(8) == 0 ? Layout.Code16 + random.Next(Layout.CodeSize) : HandlerAt(16, hasError: false);
                BitConverter.TryWriteBytes(ram.AsSpan(vector * 4), target);
            }
            return;
        }
        int bits = shape.IsLong ? 64 : shape.Bits == 32 || shape.Mode == MachineMode.Virtual8086 ? 32 : 16;
        for (int vector = 0; vector < Vectors; vector++)
        {
            bool hasError = vector < 32 && (WithErrorCode >> vector & 1) != 0;
            byte type = bits == 16 ? Pick(InterruptGate16, TrapGate16) : Pick(InterruptGate32, TrapGate32);
            (ushort selector, int access, uint target) = random.Next(16) switch
            {
                0 => (Layout.Selector(random), random.Next(256) | Present, (uint)(Layout.Handlers + random.Next(0x100))),
                1 => (Layout.KernelCode, type | User, (uint)(Layout.Code16 + random.Next(0x6000))),
                2 when !shape.IsLong && vector != 8 => (Layout.OtherTaskSelector, TaskGate | User, 0u),
                _ => (Layout.KernelCode, type | (vector is 1 or 3 or 4 || vector >= 32 ? User : 0), (uint)HandlerAt(bits, hasError)),
            };
            Gate(Layout.Idt + vector * (shape.IsLong ? 16 : 8), selector, access, random.Next(10) == 0 ? (uint)random.Next(8) : 0, target);
        }
    }

    /// <summary>A handler that goes on a few bytes behind what has faulted.</summary>
    int HandlerAt(int bits, bool hasError) => Layout.Handlers + ((bits == 64 ? 4 : bits == 32 ? 2 : 0) + (hasError ? 1 : 0)) * 4 * HandlerStride + random.Next(4) * HandlerStride;

    public static void FillHandlers(Span<byte> ram)
    {
        Span<byte> all = ram.Slice(Layout.Handlers, Layout.PageSize);
        all.Fill(0xF4);
        for (int i = 0; i < 4; i++)
        {
            byte skip = (byte)(i + 1);
            Put(all, 0, i, [0x55, 0x89, 0xE5, 0x83, 0x46, 0x02, skip, 0x5D, 0xCF]);
            Put(all, 1, i, [0x83, 0xC4, 0x02, 0x55, 0x89, 0xE5, 0x83, 0x46, 0x02, skip, 0x5D, 0xCF]);
            Put(all, 2, i, [0x83, 0x04, 0x24, skip, 0xCF]);
            Put(all, 3, i, [0x83, 0xC4, 0x04, 0x83, 0x04, 0x24, skip, 0xCF]);
            Put(all, 4, i, [0x48, 0x83, 0x04, 0x24, skip, 0x48, 0xCF]);
            Put(all, 5, i, [0x48, 0x83, 0xC4, 0x08, 0x48, 0x83, 0x04, 0x24, skip, 0x48, 0xCF]);
        }
    }

    static void Put(Span<byte> all, int kind, int index, ReadOnlySpan<byte> code) => code.CopyTo(all[((kind * 4 + index) * HandlerStride)..]);

    /// <summary>A task-state segment of 32 bits, or of 64; with a map of I/O permissions.</summary>
    void FillTask(int at)
    {
        Span<byte> task = ram.AsSpan(at, 0x68);
        if (shape.IsLong)
        {
            for (int i = 4; i + 8 <= 0x64; i += 8)
            {
                BitConverter.TryWriteBytes(task[i..], (ulong)StackTop());
            }
        }
        else
        {
            uint[] words =
            [
                Layout.Selector(random), StackTop(), Layout.KernelData, StackTop(), Layout.KernelData, StackTop(), Layout.KernelData, Layout.Extended,
                (uint)(Layout.Code32 + random.Next(Layout.CodeSize)), (uint)random.Next() & 0x3FFFD7 & (random.Next(4) == 0 ? uint.MaxValue : ~0x20000u),
            ];
            for (int i = 0; i < words.Length; i++)
            {
                BitConverter.TryWriteBytes(task[(i * 4)..], words[i]);
            }
            for (int i = 0; i < 8; i++)
            {
                BitConverter.TryWriteBytes(task[(0x28 + i * 4)..], i == 4 ? StackTop() : (uint)Layout.Address(random));
            }
            ushort[] selectors = [Layout.KernelData, Layout.KernelCode, Layout.KernelData, Layout.KernelData, Layout.UserData, Layout.Selector(random), Layout.LdtSelector];
            for (int i = 0; i < selectors.Length; i++)
            {
                BitConverter.TryWriteBytes(task[(0x48 + i * 4)..], (uint)(random.Next(20) == 0 ? Layout.Selector(random) : selectors[i]));
            }
        }
        BitConverter.TryWriteBytes(task[0x64..], (random.Next(10) == 0 ? random.Next(0x10000) : 0x68) << 16 | random.Next(2));
    }

    void FillSmallTask()
    {
        ushort[] words =
        [
            Layout.Selector(random), (ushort)random.Next(0x10000), Layout.KernelData, 0x8000, Layout.KernelData, 0x8000, Layout.KernelData, (ushort)(Layout.Code16 + random.Next(Layout.CodeSize)),
            (ushort)(random.Next() & 0x7FD7), 1, 2, 3, 4, (ushort)random.Next(0x10000), 5, 6, 7, Layout.KernelData, Layout.SmallCode, Layout.KernelData, Layout.KernelData, Layout.LdtSelector,
        ];
        for (int i = 0; i < words.Length; i++)
        {
            BitConverter.TryWriteBytes(ram.AsSpan(Layout.SmallTask + 2 * i), words[i]);
        }
    }

    uint StackTop() => (uint)(Layout.Stack + random.Next(0x100, Layout.StackSize) & ~7);

    T Pick<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];
}
