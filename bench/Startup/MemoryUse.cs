using System.Diagnostics;
using FastVcpu.Bench.Micro;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Startup;

/// <summary>What instances take of the host: resident memory and, as a part of it, the managed heap.</summary>
/// <param name="Resident">Bytes.</param>
/// <param name="Managed">Bytes of objects.</param>
readonly record struct MemoryUse(double Resident, double Managed)
{
    const int Instances = 1000, Blocks = 20_000, Thousand = 1000;

    /// <summary>For each of a thousand instances that exist at the same time.</summary>
    public static MemoryUse OfEach(Func<IDisposable> make)
    {
        // Whatever the first ones need once is not theirs.
        make().Dispose();
        IDisposable[] made = new IDisposable[Instances];
        MemoryUse before = Now();
        for (int i = 0; i < made.Length; i++)
        {
            made[i] = make();
        }
        MemoryUse after = Now();
        Array.ForEach(made, each => each.Dispose());
        return new MemoryUse((after.Resident - before.Resident) / Instances, (after.Managed - before.Managed) / Instances);
    }

    /// <summary>For each thousand blocks of five instructions, which is what programs have.</summary>
    public static MemoryUse OfThousandBlocks()
    {
        // Whatever the first program needs once is not theirs.
        using LoopCase first = ProgramOfBlocks(), second = ProgramOfBlocks();
        first.Run();
        MemoryUse before = Now();
        second.Run();
        MemoryUse after = Now();
        double thousands = second.Cpu.BlocksDecoded / (double)Thousand;
        return new MemoryUse((after.Resident - before.Resident) / thousands, (after.Managed - before.Managed) / thousands);
    }

    static LoopCase ProgramOfBlocks() => new("", "", c =>
    {
        for (int i = 0; i < Blocks; i++)
        {
            Label next = c.CreateLabel();
            c.mov(rax, __qword_ptr[rsi + 8]);
            c.add(rax, rbx);
            c.mov(rdx, rax);
            c.test(r15d, r15d);
            c.je(next);
            c.Label(ref next);
        }
        c.nop();
    });

    static MemoryUse Now()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return new MemoryUse(process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true));
    }
}
