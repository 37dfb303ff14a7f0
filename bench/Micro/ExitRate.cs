using System.Diagnostics;

namespace FastVcpu.Bench.Micro;

/// <summary>
/// Exits a second by processor time, which a busy machine changes little, and the time from <see cref="Vcpu.RequestExit"/> to the return of the run on another
/// thread. A loop of one access and a jump, in real mode with segments and in flat 32-bit protected mode; the bytes mean the same in both.
/// </summary>
static class ExitRate
{
    const int Exits = 1_000_000, Rounds = 5, Requests = 2000;
    const ulong Memory = 1 << 20, Code = 0x1000;

    static readonly (string Name, byte[] Code)[] Loops =
    [
        ("OUT", [0xE6, 0x10, 0xEB, 0xFC]),
        ("IN", [0xE4, 0x10, 0xEB, 0xFC]),
        ("MMIO write", [0x88, 0x07, 0xEB, 0xFC]),
        ("MMIO read", [0x8A, 0x07, 0xEB, 0xFC]),
        ("step", [0x40, 0xEB, 0xFD]),
    ];

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        Print(isFlat: false);
        Print(isFlat: true);
        PrintLocalApic("APIC write", [0x66, 0xA3, 0x80, 0x00, 0xEB, 0xFA]);
        PrintLocalApic("APIC read", [0x66, 0xA1, 0x80, 0x00, 0xEB, 0xFA]);
        PrintRequests();
    }

    static void Print(bool isFlat)
    {
        foreach ((string name, byte[] code) in Loops)
        {
            using VirtualMachine vm = new();
            Vcpu cpu = Create(vm, code, isFlat);
            if (name == "step")
            {
                cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.SingleStep);
            }
            double best = double.MaxValue;
            for (int round = 0; round <= Rounds; round++)
            {
                TimeSpan before = Environment.CpuUsage.TotalTime;
                for (int i = 0; i < Exits; i++)
                {
                    cpu.Run();
                }
                best = Math.Min(best, round == 0 ? double.MaxValue : (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            }
            Console.WriteLine($"{(isFlat ? "32 bits" : "real mode"),-12}{name,-12}{Exits / best / 1e6,8:F1} million a second");
        }
    }

    /// <summary>Accesses to the task priority of a local APIC in the core, which do not end the run.</summary>
    static void PrintLocalApic(string name, byte[] code)
    {
        const ulong ApicPage = 0xFEE00000;
        using VirtualMachine vm = new();
        vm.CreateIrqChip();
        Vcpu cpu = Create(vm, code, isFlat: false);
        cpu.Segments.Ds = cpu.Segments.Ds with { Base = ApicPage };
        double best = double.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            cpu.Run(2 * Exits);
            best = Math.Min(best, round == 0 ? double.MaxValue : (Environment.CpuUsage.TotalTime - before).TotalSeconds);
        }
        Console.WriteLine($"{"real mode",-12}{name,-12}{Exits / best / 1e6,8:F1} million a second");
    }

    static void PrintRequests()
    {
        using VirtualMachine vm = new();
        Vcpu cpu = Create(vm, [0x40, 0xEB, 0xFD], isFlat: false);
        long[] times = new long[Requests];
        long returned = 0;
        int wanted = 0;
        Thread runner = new(() =>
        {
            for (int i = 0; i < Requests; i++)
            {
                Volatile.Write(ref wanted, i + 1);
                cpu.Run();
                Volatile.Write(ref returned, Stopwatch.GetTimestamp());
                SpinWait.SpinUntil(() => Volatile.Read(ref returned) == 0);
            }
        });
        runner.Start();
        for (int i = 0; i < Requests; i++)
        {
            SpinWait.SpinUntil(() => Volatile.Read(ref wanted) == i + 1);
            // So that it is inside of the run.
            Thread.SpinWait(200);
            long start = Stopwatch.GetTimestamp();
            cpu.RequestExit();
            SpinWait.SpinUntil(() => Volatile.Read(ref returned) != 0);
            times[i] = returned - start;
            Volatile.Write(ref returned, 0);
        }
        runner.Join();
        Array.Sort(times);
        double unit = 1e6 / Stopwatch.Frequency;
        Console.WriteLine($"RequestExit {times[Requests / 2] * unit,8:F2} µs to the return (median), {times[Requests / 100] * unit:F2} µs (best of a hundred)");
    }

    static Vcpu Create(VirtualMachine vm, byte[] code, bool isFlat)
    {
        const ushort CodeAttributes = 0xC09B, DataAttributes = 0xC093;
        vm.AllocateMemory(0, 0, Memory);
        vm.TryWritePhysical(Code, code);
        Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        for (int segment = 0; segment < 6; segment++)
        {
            cpu.Segments.SetReal(segment, 0);
        }
        cpu.Regs.Rip = Code;
        if (isFlat)
        {
            SegmentRegister data = new() { Limit = uint.MaxValue, Selector = 16, Attributes = DataAttributes };
            SystemRegisters system = cpu.SystemRegisters;
            cpu.SystemRegisters = system with
            {
                Cr0 = system.Cr0 | 1,
                Cs = data with { Selector = 8, Attributes = CodeAttributes },
                Ss = data,
                Ds = data,
                Es = data,
                Fs = data,
                Gs = data,
            };
            cpu.Regs.Rdi = Memory;
        }
        else
        {
            // [BX] at offset 0 of DS is where no memory is.
            cpu.Segments.Ds = cpu.Segments.Ds with { Base = Memory };
        }
        return cpu;
    }
}
