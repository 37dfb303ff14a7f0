using System.Diagnostics;

namespace FastVcpu.Bench.Startup;

/// <summary>A CPU made and the first instruction of a guest run, by the public API.</summary>
sealed class FirstInstruction : IDisposable
{
    const ulong Code = 0x8000;
    const byte Nop = 0x90, Hlt = 0xF4;

    readonly IDisposable memory;

    FirstInstruction(IDisposable memory, Vcpu cpu)
    {
        this.memory = memory;
        Cpu = cpu;
    }

    public Vcpu Cpu { get; }

    /// <summary>An address space with one page, and a vCPU in 64-bit user mode.</summary>
    public static FirstInstruction User()
    {
        AddressSpace space = new();
        space.Map(Code, AddressSpace.PageSize, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Code, [Nop, Hlt]);
        Vcpu cpu = new(CpuModel.Max, space, CodeSize.Bits64);
        cpu.Regs.Rip = Code;
        return new FirstInstruction(space, cpu);
    }

    /// <summary>A machine with 64 KiB of memory, interrupt controllers and a vCPU in real mode.</summary>
    public static FirstInstruction Machine()
    {
        VirtualMachine vm = new();
        vm.AllocateMemory(0, 0, 1 << 16);
        vm.CreateIrqChip();
        vm.TryWritePhysical(Code, [Nop, Hlt]);
        Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        cpu.Segments.SetReal(1, (ushort)(Code >> 4));
        cpu.Regs.Rip = 0;
        return new FirstInstruction(vm, cpu);
    }

    public FirstInstruction Run() => Cpu.Run(1).InstructionsRetired == 1 ? this : throw new InvalidOperationException("The first instruction did not retire.");

    public void Dispose()
    {
        Cpu.Dispose();
        memory.Dispose();
    }

    /// <summary>
    /// <c>first-instruction TIMESTAMP</c>: prints milliseconds from the timestamp, which the parent took before it started this process, to the first instruction, and how much of them the
    /// API took.
    /// </summary>
    public static void Print(long started)
    {
        long before = Stopwatch.GetTimestamp();
        using FirstInstruction first = User().Run();
        long after = Stopwatch.GetTimestamp();
        Console.WriteLine($"{Stopwatch.GetElapsedTime(started, after).TotalMilliseconds:F3} {Stopwatch.GetElapsedTime(before, after).TotalMilliseconds:F3}");
    }
}
