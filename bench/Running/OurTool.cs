using System.Text.Json;
using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Running;

/// <summary>FastVcpu as an embedder has it: the command <c>guest</c> of this assembly in a process of its own.</summary>
/// <param name="name">How it is called in tables.</param>
/// <param name="folder">A folder with this assembly and the FastVcpu.dll to be measured.</param>
/// <param name="extra">What the runs have besides the program.</param>
sealed class OurTool(string name, string folder, Extra extra = Extra.None) : Engine(name)
{
    string Assembly => Path.Combine(folder, Path.GetFileName(typeof(OurTool).Assembly.Location));

    public override string? Missing => File.Exists(Assembly) ? null : $"{Assembly} does not exist.";

    public override Finished Call(GuestProgram program, int iterations)
    {
        (Finished run, GuestResult result) = Call(program, iterations, 0, null);
        return run with { Output = $"={result.Checksum:x8}" };
    }

    /// <summary>What the process itself measured, after a call that warms up.</summary>
    /// <exception cref="EngineException">It did not end well.</exception>
    public (Finished Run, GuestResult Result) Call(GuestProgram program, long iterations, long warmUp, IReadOnlyDictionary<string, string>? environment)
    {
        string[] arguments = [Assembly, "guest", program.File, program.Bits.ToString(), iterations.ToString(), extra.ToString(), .. warmUp > 0 ? [warmUp.ToString()] : Array.Empty<string>()];
        Finished run = CpuTime.Run("dotnet", arguments, environment);
        return run.ExitCode == 0 && JsonSerializer.Deserialize<GuestResult>(run.Output) is { } result
            ? (run, result)
            : throw new EngineException($"{Name} does not run {program}: {run.Output.Trim()}");
    }
}
