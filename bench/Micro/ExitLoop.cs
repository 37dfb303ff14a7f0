namespace FastVcpu.Bench.Micro;

/// <summary>
/// A machine that does nothing but leave its run: one access and a jump, in real mode with segments or in flat 32-bit protected mode. The bytes mean the same in both.
/// </summary>
sealed class ExitLoop : IDisposable
{
    const ulong Memory = 1 << 20, Code = 0x1000;

    readonly VirtualMachine vm = new();

    /// <param name="code">The loop.</param>
    /// <param name="isFlat">32 bits; else real mode.</param>
    /// <param name="hasLocalApic">With interrupt controllers in the core.</param>
    public ExitLoop(byte[] code, bool isFlat, bool hasLocalApic = false)
    {
        if (hasLocalApic)
        {
            vm.CreateIrqChip();
        }
        vm.AllocateMemory(0, 0, Memory);
        vm.TryWritePhysical(Code, code);
        Cpu = vm.CreateVcpu(CpuModel.Max);
        for (int segment = 0; segment < 6; segment++)
        {
            Cpu.Segments.SetReal(segment, 0);
        }
        Cpu.Regs.Rip = Code;
        if (isFlat)
        {
            MakeFlat();
        }
        else
        {
            // [BX] at offset 0 of DS is where no memory is.
            Cpu.Segments.Ds = Cpu.Segments.Ds with { Base = Memory };
        }
    }

    /// <summary>What leaves the run, and by what.</summary>
    public static (string Name, byte[] Code, ExitReason Reason)[] Kinds { get; } =
    [
        ("OUT", [0xE6, 0x10, 0xEB, 0xFC], ExitReason.Io),
        ("IN", [0xE4, 0x10, 0xEB, 0xFC], ExitReason.Io),
        ("MMIO write", [0x88, 0x07, 0xEB, 0xFC], ExitReason.Mmio),
        ("MMIO read", [0x8A, 0x07, 0xEB, 0xFC], ExitReason.Mmio),
        ("step", [0x40, 0xEB, 0xFD], ExitReason.Debug),
    ];

    /// <summary>A loop that never leaves.</summary>
    public static byte[] Endless { get; } = [0x40, 0xEB, 0xFD];

    public Vcpu Cpu { get; }

    /// <summary>One of <see cref="Kinds"/>.</summary>
    public static ExitLoop Of(string name, bool isFlat)
    {
        ExitLoop loop = new(Kinds.Single(kind => kind.Name == name).Code, isFlat);
        if (name == "step")
        {
            loop.Cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.SingleStep);
        }
        return loop;
    }

    /// <summary>Runs until it has left so often.</summary>
    /// <returns>Instructions retired.</returns>
    public long Repeat(int count, ExitReason reason)
    {
        long retired = 0;
        for (int i = 0; i < count; i++)
        {
            VcpuExit exit = Cpu.Run();
            retired += exit.InstructionsRetired;
            if (exit.Reason != reason)
            {
                throw new InvalidOperationException($"The run ended with {exit}.");
            }
        }
        return retired;
    }

    public void Dispose() => vm.Dispose();

    void MakeFlat()
    {
        const ushort CodeAttributes = 0xC09B, DataAttributes = 0xC093;
        SegmentRegister data = new() { Limit = uint.MaxValue, Selector = 16, Attributes = DataAttributes };
        SystemRegisters system = Cpu.SystemRegisters;
        Cpu.SystemRegisters = system with
        {
            Cr0 = system.Cr0 | 1,
            Cs = data with { Selector = 8, Attributes = CodeAttributes },
            Ss = data,
            Ds = data,
            Es = data,
            Fs = data,
            Gs = data,
        };
        Cpu.Regs.Rdi = Memory;
    }
}

/// <summary>From one <c>Run</c> to the next, with the access completed in between.</summary>
sealed class ExitCase(string kind) : MicroCase($"exit {kind}", "one run that ends with it, 32 bits")
{
    readonly ExitLoop loop = ExitLoop.Of(kind, isFlat: true);
    readonly ExitReason reason = ExitLoop.Kinds.Single(each => each.Name == kind).Reason;

    public override long Run() => loop.Repeat(Operations, reason);

    public override void Dispose() => loop.Dispose();
}

/// <summary>A run of one instruction by the limit.</summary>
sealed class LimitCase() : MicroCase("exit limit", "Run(1)")
{
    readonly ExitLoop loop = new(ExitLoop.Endless, isFlat: true);

    public override long Run()
    {
        long retired = 0;
        for (int i = 0; i < Operations; i++)
        {
            retired += loop.Cpu.Run(1).InstructionsRetired;
        }
        return retired;
    }

    public override void Dispose() => loop.Dispose();
}
