using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>Runs guests as Linux programs: by themselves, or under qemu-user.</summary>
sealed class ElfEngine(string name, string scratch, Func<int, string?> runner) : Engine(name)
{
    public override string? Missing => OperatingSystem.IsLinux() && File.Exists("/bin/sh") ? Tool.Missing(runner(64)) : "Linux programs need Linux.";

    public override Finished Call(GuestProgram program, int iterations)
    {
        string path = Path.Combine(scratch, $"{program}-{iterations}");
        if (!File.Exists(path))
        {
            GuestElf.Write(path, File.ReadAllBytes(program.File), program, iterations);
        }
        return runner(program.Bits) is { } emulator ? CpuTime.Run(emulator, [path]) : CpuTime.Run(path, []);
    }
}

/// <summary>Unicorn, through a harness in C that is compiled when it is first needed.</summary>
/// <param name="name">How it is called in tables.</param>
/// <param name="mode">What the harness is told: plain, block, limit or tlb.</param>
/// <param name="source">The harness.</param>
/// <param name="scratch">Where it is compiled.</param>
sealed class UnicornEngine(string name, string mode, string source, string scratch) : Engine(name)
{
    const int NotInThisVersion = 3;

    string Harness => Path.Combine(scratch, "unicorn");

    public override string? Missing
    {
        get
        {
            if (!File.Exists(Harness))
            {
                if (Tool.Missing("cc") is { } missing)
                {
                    return missing;
                }
                // A build of one's own, in a folder with include and lib, goes before the distribution's.
                string[] own = Environment.GetEnvironmentVariable("FASTVCPU_UNICORN") is { } prefix ? [$"-I{prefix}/include", $"-L{prefix}/lib", $"-Wl,-rpath,{prefix}/lib"] : [];
                if (CpuTime.Run("cc", ["-O2", "-o", Harness, .. own, source, "-lunicorn"]).ExitCode != 0)
                {
                    return "the harness does not compile; install libunicorn-dev.";
                }
            }
            return CpuTime.Run(Harness, [mode]).ExitCode == NotInThisVersion ? "this version of Unicorn does not have it." : null;
        }
    }

    public override Finished Call(GuestProgram program, int iterations) =>
        CpuTime.Run(Harness, [mode, program.Bits.ToString(), program.File, iterations.ToString()]);
}

/// <summary>Programs of the host.</summary>
static class Tool
{
    /// <summary>What is missing for a program to be run by name, or null.</summary>
    public static string? Missing(string? name) =>
        name == null || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)))
            ? null : $"{name} is not installed.";
}
