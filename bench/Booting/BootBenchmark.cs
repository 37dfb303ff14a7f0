using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Booting;

/// <summary><c>boot [--runs N] [--kernel NAME] [--cpus N]</c>: a Debian kernel to its shell and off again, on FastVcpu and on QEMU's code generator, in turn.</summary>
static partial class BootBenchmark
{
    const string ShellIsThere = "Shell on ", Memory = "512M", CommandLine = "console=ttyS0";

    /// <summary>What one boot took.</summary>
    sealed class Times
    {
        public Sample Shell { get; } = new();

        public Sample Wall { get; } = new();

        public Sample Cpu { get; } = new();

        public double Instructions { get; set; } = double.NaN;
    }

    public static int Run(string[] words)
    {
        CommandWords line = new CommandWords(words, "--runs", "--kernel", "--cpus").NoRest();
        string name = line.Words("--kernel", "cloud-amd64")[0], cpus = line.Number("--cpus", 1, 1, 8).ToString();
        string folder = Path.Combine(Repository.Root, "artifacts", "kernels", name), tool = Path.Combine(Repository.Root, "artifacts", "cli", "FastVcpu.Cli.dll");
        string kernel = Path.Combine(folder, "vmlinuz"), ramDisk = Path.Combine(folder, "initrd");
        if (!File.Exists(ramDisk) || !File.Exists(tool))
        {
            throw new EngineException($"There is no kernel or no tool yet: tests/get-kernels.sh {name}; ./fastvcpu --version");
        }
        (string Name, string File, string[] Arguments)[] engines =
        [
            ("FastVcpu", "dotnet", [tool, "boot", "--kernel", kernel, "--initrd", ramDisk, "--append", CommandLine, "--memory", Memory, "--cpus", cpus, "--serial", "stdio", "--stats"]),
            ("qemu-system, TCG", "qemu-system-x86_64", ["-accel", "tcg", "-cpu", "max", "-m", Memory, "-smp", cpus, "-kernel", kernel, "-initrd", ramDisk, "-append", CommandLine,
                "-serial", "stdio", "-monitor", "none", "-display", "none", "-no-reboot"]),
        ];
        Times[] times = [.. engines.Select(_ => new Times())];
        for (int run = 0; run < line.Runs; run++)
        {
            for (int i = 0; i < engines.Length; i++)
            {
                Boot(engines[i].File, engines[i].Arguments, times[i]);
            }
        }
        Console.WriteLine($"Linux {name} with {cpus} CPU, {Memory}: medians of {line.Runs} interleaved runs, in seconds");
        Console.WriteLine($"{"",-18}{"to the shell",14}{"wall",8}{"CPU time",10}");
        for (int i = 0; i < engines.Length; i++)
        {
            Console.WriteLine(Text($"{engines[i].Name,-18}{times[i].Shell.Median,14:F2}{times[i].Wall.Median,8:F2}{times[i].Cpu.Median,10:F2}"));
        }
        Console.WriteLine(Text($"{"ratio",-18}{Ratio(t => t.Shell),14:F2}{Ratio(t => t.Wall),8:F2}{Ratio(t => t.Cpu),10:F2}"));
        Console.WriteLine(Text($"{times[0].Instructions / 1e6:F0} million instructions retired, {times[0].Instructions / 1e6 / times[0].Cpu.Median:F0} a second of CPU time"));
        return 0;

        double Ratio(Func<Times, Sample> part) => part(times[0]).Median / part(times[1]).Median;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    static void Boot(string file, string[] arguments, Times times)
    {
        double shell = 0, wall = 0;
        Stopwatch watch = Stopwatch.StartNew();
        Finished run = CpuTime.Talk(file, arguments, process =>
        {
            StringBuilder console = new();
            for (int next; (next = process.StandardOutput.Read()) >= 0;)
            {
                console.Append((char)next);
                if (shell == 0 && next == '\n' && console.ToString().Contains(ShellIsThere, StringComparison.Ordinal))
                {
                    shell = watch.Elapsed.TotalSeconds;
                    process.StandardInput.Write("exit\n");
                    process.StandardInput.Flush();
                }
            }
            wall = watch.Elapsed.TotalSeconds;
            return console.ToString();
        });
        if (run.ExitCode != 0 || shell == 0)
        {
            throw new EngineException($"{file} does not boot: {run.Output.Trim()}");
        }
        times.Shell.Add(shell);
        times.Wall.Add(wall);
        times.Cpu.Add(run.Seconds);
        if (Retired().Match(run.Errors) is { Success: true } match)
        {
            times.Instructions = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        }
    }

    [GeneratedRegex(@"instructions\s+(\d+)")]
    private static partial Regex Retired();
}
