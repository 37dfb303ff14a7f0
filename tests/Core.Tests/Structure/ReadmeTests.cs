using System.Diagnostics;

namespace FastVcpu.Tests.Structure;

/// <summary>The program in README.md works as pasted: it is the one in tests/Readme.Example, which runs here.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void TheProgramInTheReadmeIsTheOneThatRunsHere()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string[] parts = readme.Split("```csharp\n");
        Assert.Equal(2, parts.Length);
        string program = parts[1][..parts[1].IndexOf("```", StringComparison.Ordinal)];
        Assert.Equal(File.ReadAllText(Path.Combine(Repository.Root, "tests", "Readme.Example", "Program.cs")), program);
        Assert.True(program.Count(letter => letter == '\n') <= 20, "The program has more than 20 lines.");
    }

    [Fact]
    public void TheProgramPrintsWhatTheReadmeSays()
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "FastVcpu.Readme.Example.dll"));
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains($"It prints `{output.Trim()}`", File.ReadAllText(Path.Combine(Repository.Root, "README.md")));
    }
}
