using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>Runs guests as Linux programs: by themselves, or under qemu-user.</summary>
sealed class ElfEngine(string name, string guests, string scratch, Func<int, string?> runner) : Engine(name)
{
    public override string? Missing => OperatingSystem.IsLinux() && File.Exists("/bin/sh") ? Tool.Missing(runner(64)) : "Linux programs need Linux.";

    public override Finished Call(GuestProgram program, int iterations)
    {
        string path = Path.Combine(scratch, $"{program}-{iterations}");
        if (!File.Exists(path))
        {
            GuestElf.Write(path, File.ReadAllBytes(Path.Combine(guests, program.Bits.ToString(), program.Name + ".bin")), program, iterations);
        }
        return runner(program.Bits) is { } emulator ? CpuTime.Run(emulator, [path]) : CpuTime.Run(path, []);
    }
}

/// <summary>Unicorn without hooks, through a harness in C that is compiled when it is first needed.</summary>
sealed class UnicornEngine(string source, string guests, string scratch) : Engine("Unicorn")
{
    string Harness => Path.Combine(scratch, "unicorn");

    public override string? Missing
    {
        get
        {
            if (Tool.Missing("cc") is { } missing)
            {
                return missing;
            }
            if (File.Exists(Harness))
            {
                return null;
            }
            Finished build = CpuTime.Run("cc", ["-O2", "-o", Harness, source, "-lunicorn"]);
            return build.ExitCode == 0 ? null : "the harness does not compile; install libunicorn-dev.";
        }
    }

    public override Finished Call(GuestProgram program, int iterations) =>
        CpuTime.Run(Harness, [program.Bits.ToString(), Path.Combine(guests, program.Bits.ToString(), program.Name + ".bin"), iterations.ToString()]);
}

/// <summary>Programs of the host.</summary>
static class Tool
{
    /// <summary>What is missing for a program to be run by name, or null.</summary>
    public static string? Missing(string? name) =>
        name == null || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)))
            ? null : $"{name} is not installed.";
}
