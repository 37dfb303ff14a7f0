using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Debugging;

/// <summary>
/// What a debugger costs that is set but never does anything: processor time of the guest programs with debugging off, with BLOCKIRQ while an interrupt
/// waits, with a code breakpoint and with a watchpoint that are never hit. Interleaved; the median of the rounds' ratios.
/// </summary>
static class DebugCost
{
    const int Rounds = 15;

    static readonly DebugSetting[] Settings =
        [DebugSetting.Off, DebugSetting.Off with { Name = "off again" }, DebugSetting.BlockInterrupts, DebugSetting.Breakpoint, DebugSetting.Watchpoint];

    /// <summary>Measures and prints a table.</summary>
    public static void Print()
    {
        Console.WriteLine($"{"guest",-16}{"off, MIPS",12}{string.Concat(Settings.Skip(1).Select(setting => $"{setting.Name,12}"))}");
        double[] sums = new double[Settings.Length];
        GuestProgram[] programs = [.. GuestProgram.All.Where(program => program.IsUsual && program.Exists)];
        foreach (GuestProgram program in programs)
        {
            double[][] seconds = Measure(program);
            double[] ratios = [.. seconds.Select(own => Median([.. own.Zip(seconds[0], (mine, off) => mine / off)]))];
            Console.WriteLine($"{program,-16}{program.Instructions / Median(seconds[0]) / 1e6,12:F0}{string.Concat(ratios.Skip(1).Select(ratio => $"{ratio,12:F3}"))}");
            for (int i = 0; i < ratios.Length; i++)
            {
                sums[i] += Math.Log(ratios[i]) / programs.Length;
            }
        }
        Console.WriteLine($"{"geometric mean",-28}{string.Concat(sums.Skip(1).Select(sum => $"{Math.Exp(sum),12:F3}"))}");
    }

    /// <summary>Seconds of processor time, by setting and round.</summary>
    static double[][] Measure(GuestProgram program)
    {
        using SystemGuest guest = new(File.ReadAllBytes(program.File), program.Bits);
        double[][] seconds = [.. Settings.Select(_ => new double[Rounds])];
        for (int round = -1; round < Rounds; round++)
        {
            for (int i = 0; i < Settings.Length; i++)
            {
                // Who comes first changes, so that what the machine does at a rhythm hits all.
                int which = (i + round + Settings.Length) % Settings.Length;
                guest.Cpu.Events = default;
                guest.Cpu.SetGuestDebug(GuestDebugFlags.None);
                Settings[which].Apply(guest.Cpu);
                TimeSpan before = Environment.CpuUsage.TotalTime;
                if (guest.Call(program.Iterations) != program.Instructions + 1)
                {
                    throw new InvalidOperationException($"{program} retired another number of instructions.");
                }
                if (round >= 0)
                {
                    seconds[which][round] = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
                }
            }
        }
        return seconds;
    }

    static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
