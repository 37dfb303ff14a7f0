using System.Diagnostics;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>
/// The same input gives the same state and the same coverage, whatever the host is, whatever vector units it has and however it compiles the engine. Digest.txt holds what each host has to get;
/// other instructions to choose from are other input, and then FASTVCPU_UPDATE_GOLDEN=1 writes it anew.
/// </summary>
public sealed class SameOnEveryHostTests
{
    const string Cases = "60";

    [Fact]
    public void StatesAndCoverageDoNotDependOnTheHostNorOnHowItRunsTheEngine()
    {
        string path = Path.Combine(Repository.Root, "tests", "Core.Tests", "Fuzzing", "Digest.txt");
        string[] expected = Digest([]);
        Assert.Equal(5, expected.Length);
        if (Environment.GetEnvironmentVariable("FASTVCPU_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllLines(path, expected);
        }
        Assert.Equal(File.ReadAllLines(path), expected);
        // No vector instructions.
        Assert.Equal(expected, Digest([("DOTNET_EnableHWIntrinsic", "0")]));
        // Code that is compiled again while it runs, and nothing that was compiled ahead of time.
        Assert.Equal(expected, Digest([("DOTNET_TieredPGO", "1"), ("DOTNET_ReadyToRun", "0"), ("DOTNET_EnableAVX", "0")]));
    }

    static string[] Digest((string Name, string Value)[] settings)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "FastVcpu.Fuzz.dll"), "digest", "--seed", "1", "--cases", Cases]) { RedirectStandardOutput = true };
        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
