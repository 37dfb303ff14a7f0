namespace FastVcpu.Bench.Debugging;

/// <summary>Flat code on a system vCPU at level 0, where a debugger can be set: 64-bit code in long mode, 32-bit code in protected mode with paging off.</summary>
sealed class SystemGuest : IDisposable
{
    const ulong Code = 0x400000, Stack = 0x2000000, Return = 0x3000000, Memory = 64 << 20;
    const ulong Directory = 0x1000, DirectoryPointers = 0x2000, Level4 = 0x3000, LargePage = 2 << 20;
    const ulong Present = 3, Large = 0x80, InterruptFlag = 0x202;
    const byte Hlt = 0xF4;

    readonly VirtualMachine vm = new();

    public SystemGuest(byte[] code, int bits)
    {
        vm.AllocateMemory(0, 0, Memory);
        vm.TryWritePhysical(Code, code);
        vm.TryWritePhysical(Return, [Hlt]);
        for (ulong i = 0; i < Memory / LargePage; i++)
        {
            vm.TryWritePhysical(Directory + i * 8, BitConverter.GetBytes(i * LargePage | Present | Large));
        }
        vm.TryWritePhysical(DirectoryPointers, BitConverter.GetBytes(Directory | Present));
        vm.TryWritePhysical(Level4, BitConverter.GetBytes(DirectoryPointers | Present));
        Cpu = vm.CreateVcpu(CpuModel.Max);
        EnterMode(bits == 64);
    }

    public Vcpu Cpu { get; }

    /// <summary>Calls the code with an argument in RDI.</summary>
    /// <returns>Instructions retired, with the HLT that it returns to.</returns>
    public long Call(long argument)
    {
        Span<byte> address = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(address, Return);
        Cpu.Regs.Rsp = Stack;
        vm.TryWritePhysical(Stack, address);
        Cpu.Regs.Rdi = (ulong)argument;
        Cpu.Regs.Rip = Code;
        Cpu.Regs.Rflags = InterruptFlag;
        VcpuExit exit = Cpu.Run();
        return exit.Reason == ExitReason.Hlt && Cpu.Regs.Rip == Return + 1
            ? exit.InstructionsRetired
            : throw new InvalidOperationException($"The guest ended with {exit} at {Cpu.Regs.Rip:x}h.");
    }

    public void Dispose() => vm.Dispose();

    void EnterMode(bool is64)
    {
        const ulong Protection = 1, Paging = 0x80000000, SseContext = 0x600, PhysicalExtension = 0x20, LongMode = 0x500;
        const ushort CodeAttributes = 0x9B, DataAttributes = 0x93, Big = 0xC000, Long = 0xA000;
        SegmentRegister data = new() { Limit = uint.MaxValue, Selector = 0x10, Attributes = DataAttributes | Big };
        SystemRegisters system = Cpu.SystemRegisters;
        Cpu.SystemRegisters = system with
        {
            Cr0 = system.Cr0 & ~0x60000000UL | Protection | (is64 ? Paging : 0),
            Cr3 = Level4,
            Cr4 = SseContext | (is64 ? PhysicalExtension : 0),
            Efer = is64 ? LongMode : 0,
            Cs = data with { Selector = 8, Attributes = (ushort)(CodeAttributes | (is64 ? Long : Big)) },
            Ss = data,
            Ds = data,
            Es = data,
            Fs = data,
            Gs = data,
        };
    }
}
