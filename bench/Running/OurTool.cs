using System.Text.Json;
using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Running;

/// <summary>The command `fastvcpu call` of a working tree.</summary>
sealed class OurTool(string name, string root, string guests) : Engine(name)
{
    string Assembly => Path.Combine(root, "Runtime", "Cli", "bin", "Release", "net10.0", "FastVcpu.Cli.dll");

    public override string? Missing => File.Exists(Assembly) ? null : $"{Assembly} does not exist.";

    /// <summary>Builds the tool from its sources.</summary>
    public void Build()
    {
        Finished build = CpuTime.Run("dotnet", ["build", "-c", "Release", Path.Combine("Runtime", "Cli"), "-v", "q", "--nologo"], folder: root);
        if (build.ExitCode != 0)
        {
            throw new ArgumentException($"{root} does not build:\n{build.Output}");
        }
    }

    public override Finished Call(GuestProgram program, int iterations) => Call(program, iterations, null);

    /// <summary>As <see cref="Call(GuestProgram, int)"/>, with environment variables.</summary>
    public Finished Call(GuestProgram program, int iterations, IReadOnlyDictionary<string, string>? environment)
    {
        string file = Path.Combine(guests, program.Bits.ToString(), program.Name + ".bin");
        Finished run = CpuTime.Run("dotnet",
            [Assembly, "call", file, "--bits", program.Bits.ToString(), "--base", "0x400000", "--map", "0x800000:4M", "--arg", iterations.ToString(), "--json"], environment);
        using JsonDocument result = JsonDocument.Parse(run.Output);
        return run with { Output = ((uint)result.RootElement.GetProperty("result").GetUInt64()).ToString("x8") };
    }
}
