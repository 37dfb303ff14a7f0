using System.Diagnostics;
using System.Globalization;
using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Startup;

/// <summary><c>startup [--runs N]</c>: how long it takes until the first instruction, and what machines, CPUs and decoded code take of memory.</summary>
static class StartupCommand
{
    /// <summary>Instances made and run for one measurement in a warm process.</summary>
    const int Instances = 200;

    const double Microseconds = 1e6, Milliseconds = 1e3, Kibibyte = 1024;

    public static int Run(string[] words)
    {
        CommandWords line = new CommandWords(words, "--runs").NoRest();
        int runs = line.Runs;
        Processes(runs);
        Warm("construct, first instruction, dispose; user mode", runs, () => FirstInstruction.User().Run().Dispose());
        Warm("construct, first instruction, dispose; machine", runs, () => FirstInstruction.Machine().Run().Dispose());
        using FirstInstruction again = FirstInstruction.User();
        ulong start = again.Cpu.Regs.Rip;
        Warm("Run(1) again on the same vCPU", runs, () =>
        {
            again.Cpu.Regs.Rip = start;
            again.Run();
        });
        Console.WriteLine();
        Console.WriteLine($"{"KiB resident",14}{"KiB managed",14}   of each");
        string[] names = [.. MemoryUse.Names];
        for (int subject = 0; subject < names.Length; subject++)
        {
            double[] use = Numbers(CpuTime.Run("dotnet", [Program, "memory-of", subject.ToString()]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{use[0] / Kibibyte,14:F1}{use[1] / Kibibyte,14:F1}   {names[subject]}"));
        }
        return 0;
    }

    static string Program => typeof(StartupCommand).Assembly.Location;

    /// <summary>The numbers that a process of this program has printed.</summary>
    /// <exception cref="EngineException">It failed.</exception>
    static double[] Numbers(Finished child) => child.ExitCode == 0
        ? [.. child.Output.Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))]
        : throw new EngineException(child.Output.Trim());

    static void Processes(int runs)
    {
        Sample whole = new(), api = new(), cpu = new();
        for (int run = 0; run < runs; run++)
        {
            Finished child = CpuTime.Run("dotnet", [Program, "first-instruction", Stopwatch.GetTimestamp().ToString()]);
            double[] times = Numbers(child);
            whole.Add(times[0]);
            api.Add(times[1]);
            cpu.Add(child.Seconds * Milliseconds);
        }
        Print(whole, "ms", "from the start of a process to the first instruction, not compiled ahead of time (wall time)");
        Print(api, "ms", "of that: the first address space, vCPU and Run of the process (wall time)");
        Print(cpu, "ms", "the whole process (CPU time)");
        Tool(Path.Combine(Repository.Root, "artifacts", "cli", "FastVcpu.Cli.dll"), "compiled ahead of time, as ./fastvcpu leaves it", runs);
        Tool(Path.Combine(Repository.Root, "Runtime", "Cli", "bin", "Release", "net10.0", "FastVcpu.Cli.dll"), "not compiled ahead of time", runs);
    }

    /// <summary>The tool with a guest of ten instructions, and with none at all.</summary>
    static void Tool(string assembly, string how, int runs)
    {
        string? tiny = Repository.Guests is { } guests ? Path.Combine(guests, "64", "tiny.bin") : null;
        if (!File.Exists(assembly) || !File.Exists(tiny))
        {
            Console.WriteLine($"{"-",14}   the tool, {how}: {(File.Exists(assembly) ? "the guests are not beside the repository" : "it has not been built")}");
            return;
        }
        Sample call = new(), version = new();
        for (int run = 0; run < runs; run++)
        {
            call.Add(CpuTime.Run("dotnet", [assembly, "call", tiny, "--bits", "64", "--base", "0x400000", "--arg", "1"]).Seconds * Milliseconds);
            version.Add(CpuTime.Run("dotnet", [assembly, "--version"]).Seconds * Milliseconds);
        }
        Print(call, "ms", $"`fastvcpu call` of ten instructions, {how} (CPU time)");
        Print(version, "ms", $"`fastvcpu --version`, {how}: .NET and the command line (CPU time)");
    }

    static void Warm(string what, int runs, Action action)
    {
        Sample sample = new();
        // The first measurement only warms up.
        for (int run = -1; run < runs; run++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            for (int i = 0; i < Instances; i++)
            {
                action();
            }
            if (run >= 0)
            {
                sample.Add((Environment.CpuUsage.TotalTime - before).TotalSeconds / Instances * Microseconds);
            }
        }
        Print(sample, "µs", $"{what} (CPU time)");
    }

    static void Print(Sample sample, string unit, string what) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{sample.Median,8:F2} {unit}   {what}; {sample.Least:F2} to {sample.Most:F2}"));
}
