using System.Diagnostics;

namespace FastVcpu.Bench.Micro;

/// <summary>
/// Exits a second by processor time, which a busy machine changes little, and the time from <see cref="Vcpu.RequestExit"/> to the return of the run on another
/// thread.
/// </summary>
static class ExitRate
{
    const int Exits = 1_000_000, Rounds = 5, Requests = 2000;

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        foreach (bool isFlat in (bool[])[false, true])
        {
            foreach ((string name, _, ExitReason reason) in ExitLoop.Kinds)
            {
                using ExitLoop loop = ExitLoop.Of(name, isFlat);
                Print(isFlat ? "32 bits" : "real mode", name, () => loop.Repeat(Exits, reason));
            }
        }
        PrintLocalApic("APIC write", [0x66, 0xA3, 0x80, 0x00, 0xEB, 0xFA]);
        PrintLocalApic("APIC read", [0x66, 0xA1, 0x80, 0x00, 0xEB, 0xFA]);
        PrintRequests();
    }

    static void Print(string mode, string name, Action run)
    {
        double best = double.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            run();
            best = Math.Min(best, round == 0 ? double.MaxValue : (Environment.CpuUsage.TotalTime - before).TotalSeconds);
        }
        Console.WriteLine($"{mode,-12}{name,-12}{Exits / best / 1e6,8:F1} million a second");
    }

    /// <summary>Accesses to the task priority of a local APIC in the core, which do not end the run.</summary>
    static void PrintLocalApic(string name, byte[] code)
    {
        const ulong ApicPage = 0xFEE00000;
        using ExitLoop loop = new(code, isFlat: false, hasLocalApic: true);
        loop.Cpu.Segments.Ds = loop.Cpu.Segments.Ds with { Base = ApicPage };
        Print("real mode", name, () => loop.Cpu.Run(2 * Exits));
    }

    static void PrintRequests()
    {
        using ExitLoop loop = new(ExitLoop.Endless, isFlat: false);
        long[] times = new long[Requests];
        long returned = 0;
        int wanted = 0;
        Thread runner = new(() =>
        {
            for (int i = 0; i < Requests; i++)
            {
                Volatile.Write(ref wanted, i + 1);
                loop.Cpu.Run();
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
            loop.Cpu.RequestExit();
            SpinWait.SpinUntil(() => Volatile.Read(ref returned) != 0);
            times[i] = returned - start;
            Volatile.Write(ref returned, 0);
        }
        runner.Join();
        Array.Sort(times);
        double unit = 1e6 / Stopwatch.Frequency;
        Console.WriteLine($"RequestExit {times[Requests / 2] * unit,8:F2} µs to the return (median), {times[Requests / 100] * unit:F2} µs (best of a hundred)");
    }
}
