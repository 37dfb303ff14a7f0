using System.Diagnostics;
using System.Globalization;
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

    /// <summary>What can be measured, each in a process of its own: what others have returned to the host's allocator would be taken again without being seen.</summary>
    static readonly (string Name, Func<MemoryUse> Measure)[] Subjects =
    [
        ("an address space with one page", () => OfEach(() => new Space())),
        ("a vCPU in user mode, not run yet, with its address space", () => OfEach(FirstInstruction.User)),
        ("the same after its first instruction", () => OfEach(() => FirstInstruction.User().Run())),
        ("a machine with 64 KiB, interrupt controllers and one vCPU, after its first instruction", () => OfEach(() => FirstInstruction.Machine().Run())),
        ("a thousand blocks of five instructions", OfThousandBlocks),
    ];

    public static IEnumerable<string> Names => Subjects.Select(subject => subject.Name);

    /// <summary><c>memory-of NUMBER</c>: prints the two figures of a subject.</summary>
    public static void Print(int subject)
    {
        MemoryUse use = Subjects[subject].Measure();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{use.Resident:F0} {use.Managed:F0}"));
    }

    /// <summary>For each of a thousand instances that exist at the same time.</summary>
    static MemoryUse OfEach(Func<IDisposable> make)
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

    /// <summary>For each thousand blocks of five instructions, which is what programs have. What the code cache has taken counts as resident.</summary>
    static MemoryUse OfThousandBlocks()
    {
        using LoopCase program = ProgramOfBlocks();
        MemoryUse before = Now();
        program.Run();
        MemoryUse after = Now();
        double thousands = program.Cpu.BlocksDecoded / (double)Thousand, managed = (after.Managed - before.Managed) / thousands;
        return new MemoryUse(program.Cpu.CodeCacheBytes / thousands + managed, managed);
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

    /// <summary>An address space with a page that somebody has written to.</summary>
    sealed class Space : IDisposable
    {
        readonly AddressSpace space = new();

        public Space()
        {
            space.Map(0, AddressSpace.PageSize, PagePermissions.Read);
            space.Write(0, (byte)1);
        }

        public void Dispose() => space.Dispose();
    }
}
