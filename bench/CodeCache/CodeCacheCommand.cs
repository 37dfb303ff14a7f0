using System.Diagnostics;

namespace FastVcpu.Bench.CodeCache;

/// <summary><c>code-cache [FILE]</c>: much code in caches of several sizes. With a file, the guest is written there too, for others to run.</summary>
static class CodeCacheCommand
{
    const int Functions = 16_000, Iterations = 200;
    const ulong Code = 0x400000, Data = 0x800000, Stack = 0x2000000, Return = 0x3000000;

    public static void Print(string? file)
    {
        byte[] code = BigCode.Generate(Functions);
        if (file != null)
        {
            File.WriteAllBytes(file, code);
        }
        Measure(code, 64 << 20);
        Console.WriteLine("calls of 16 000 functions, 2 MiB | cache | million instructions a second | regions emptied | blocks decoded");
        foreach (bool inOrder in new[] { false, true })
        {
            code = BigCode.Generate(Functions, inOrder);
            foreach (int kilobytes in new[] { 65536, 24 << 10, 20 << 10, 16 << 10, 8 << 10, 2 << 10, 256 })
            {
                Console.WriteLine($"{(inOrder ? "one after the other" : "in no order"),-24} | {kilobytes,6} KiB | {Measure(code, kilobytes << 10)}");
            }
        }
    }

    static string Measure(byte[] code, long limit)
    {
        using AddressSpace space = new();
        space.Map(Code, (ulong)(code.Length + 4095) & ~4095UL, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Code, code);
        space.Map(Data, 4 << 20, PagePermissions.Read | PagePermissions.Write);
        space.Map(Stack, 1 << 20, PagePermissions.Read | PagePermissions.Write);
        using Vcpu cpu = new(CpuModel.Max, space, CodeSize.Bits64) { CodeCacheLimit = limit };
        Run(cpu, space, Iterations);
        long decoded = cpu.BlocksDecoded, emptied = cpu.CodeCacheEvictions;
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long instructions = Run(cpu, space, Iterations);
        double seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return $"{instructions / seconds / 1e6,6:F0} | {cpu.CodeCacheEvictions - emptied,6} | {cpu.BlocksDecoded - decoded,8} | {cpu.CodeCacheBytes >> 10} KiB";
    }

    static long Run(Vcpu cpu, AddressSpace space, int iterations)
    {
        cpu.Regs.Rip = Code;
        cpu.Regs.Rsp = Stack + (1 << 19);
        space.Write(cpu.Regs.Rsp, Return);
        cpu.Regs.Rdi = (ulong)iterations;
        VcpuExit exit = cpu.Run();
        Debug.Assert(cpu.Regs.Rip == Return);
        return exit.InstructionsRetired;
    }
}
