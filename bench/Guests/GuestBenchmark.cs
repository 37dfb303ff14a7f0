using BenchmarkDotNet.Attributes;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Guests;

/// <summary>Whole guest programs through the public API. The column MIPS is million retired instructions a second.</summary>
[Config(typeof(GuestConfig))]
public class GuestBenchmark
{
    const ulong Code = 0x400000, Data = 0x800000, DataSize = 4 << 20, Stack = 0x2000000, StackSize = 1 << 20, ReturnAddress = 0x3000000;

    readonly AddressSpace space = new();
    Vcpu cpu = null!;

    /// <summary>The programs.</summary>
    public static IEnumerable<GuestProgram> Programs => GuestProgram.All;

    /// <summary>The program to run.</summary>
    [ParamsSource(nameof(Programs))]
    public GuestProgram Program { get; set; } = null!;

    /// <summary>Loads the program.</summary>
    [GlobalSetup]
    public void Load()
    {
        string guests = Repository.Guests ?? throw new InvalidOperationException("The guests are not beside the repository; set FASTVCPU_GUESTS.");
        byte[] code = File.ReadAllBytes(Path.Combine(guests, Program.Bits.ToString(), Program.Name + ".bin"));
        space.Map(Code, (ulong)code.Length, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Code, code);
        space.Map(Data, DataSize, PagePermissions.Read | PagePermissions.Write);
        space.Map(Stack, StackSize, PagePermissions.Read | PagePermissions.Write);
        cpu = new Vcpu(CpuModel.Max, space, Program.Bits == 64 ? CodeSize.Bits64 : CodeSize.Bits32);
    }

    /// <summary>Calls the program with its iteration count.</summary>
    [Benchmark]
    public ulong Call()
    {
        cpu.Regs.Rsp = Stack + StackSize - 64;
        space.Write(cpu.Regs.Rsp, ReturnAddress);
        cpu.Regs.Rdi = (ulong)Program.Iterations;
        cpu.Regs.Rip = Code;
        VcpuExit exit = cpu.Run();
        return cpu.Regs.Rip == ReturnAddress && exit.InstructionsRetired == Program.Instructions
            ? cpu.Regs.Rax
            : throw new InvalidOperationException($"{Program} ended with {exit} at {cpu.Regs.Rip:x}h.");
    }

    /// <summary>Returns the memory.</summary>
    [GlobalCleanup]
    public void Unload()
    {
        cpu.Dispose();
        space.Dispose();
    }
}
