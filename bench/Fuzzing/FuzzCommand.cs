using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Fuzzing;

/// <summary>
/// <c>fuzz [--runs N]</c>: runs of two targets a second of CPU time, with coverage, in our harness and in one for Unicorn that is written by hand, one after the other in each
/// round. Both run the same machine code with the same input and clear the counters that the run before has touched.
/// </summary>
static class FuzzCommand
{
    static readonly (string Name, string Source, string[] Options, int Runs)[] targets =
    [
        ("json", "bench/Fuzzing/json.c", ["-O2"], 100_000),
        ("records", "tests/Fuzz/Targets/records.c", ["-O1"], 2_000_000),
    ];

    public static int Run(string[] words)
    {
        CommandWords line = new CommandWords(words, "--runs").NoRest();
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("fastvcpu-fuzz");
        try
        {
            string peer = Path.Combine(scratch.FullName, "unicorn-fuzz");
            Compile(["-O2", "-o", peer, Path.Combine(Repository.Root, "bench/Fuzzing/unicorn-fuzz.c"), "-lunicorn"], "install gcc and libunicorn-dev");
            foreach ((string name, string source, string[] options, int runs) in targets)
            {
                string code = Path.Combine(scratch.FullName, name), input = Path.Combine(Repository.Root, $"bench/Fuzzing/{name}.txt");
                Compile(
                    [
                        .. options, "-static", "-nostdlib", "-fno-pic", "-fno-stack-protector", "-fcf-protection=none", "-fno-reorder-blocks-and-partition",
                        "-Wl,-Ttext=0x400000,--oformat=binary,--build-id=none,-e0x400000", "-o", code, Path.Combine(Repository.Root, source),
                    ],
                    "gcc makes no flat binary");
                Compare(name, code, input, runs, peer, line.Runs);
            }
            return 0;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    static void Compare(string name, string code, string input, int runs, string peer, int rounds)
    {
        Sample ours = new(), theirs = new(), ratios = new();
        string instructions = "";
        for (int round = 0; round < rounds; round++)
        {
            string[] us = Words(CpuTime.Run(Environment.ProcessPath!, [.. Self, "fuzz-target", code, input, $"{runs}"]));
            string[] them = Words(CpuTime.Run(peer, [code, input, $"{runs / 5}"]));
            if (us[0] != them[0])
            {
                throw new InvalidOperationException($"{name}: the results {us[0]} and {them[0]} differ.");
            }
            ours.Add(double.Parse(us[2]));
            theirs.Add(double.Parse(them[2]));
            ratios.Add(double.Parse(us[2]) / double.Parse(them[2]));
            instructions = us[3];
            Console.Error.WriteLine($"{round + 1}/{rounds} {name} {us[2]} {them[2]}");
        }
        Console.WriteLine($"{name}: {instructions} instructions, FastVcpu {ours.Median:F0} runs/s, Unicorn {theirs.Median:F0}, ratio {ratios.Median:F2} ({ratios.Least:F2} to {ratios.Most:F2})");
    }

    /// <summary>What stands in front of our own arguments when the host program is dotnet.</summary>
    static string[] Self => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(FuzzCommand).Assembly.Location] : [];

    static string[] Words(Finished process) =>
        process.ExitCode == 0 ? process.Output.Split(' ', StringSplitOptions.TrimEntries) : throw new InvalidOperationException($"A harness ended with {process.ExitCode}: {process.Output}");

    static void Compile(string[] arguments, string advice)
    {
        Finished build = CpuTime.Run("gcc", arguments);
        if (build.ExitCode != 0)
        {
            throw new ArgumentException($"{advice}: {build.Output}");
        }
    }
}
