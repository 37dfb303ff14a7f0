using System.Diagnostics;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The campaigns of samples with the real afl-fuzz: two processes that share their corpus find the bug; what they have found survives SIGKILL.</summary>
public sealed class CampaignTests
{
    [CampaignFact("bc", "objdump")]
    public void TwoProcessesFindABugInAProgramOfDebian() => Run("debian-binary").FindsA("crash signal-4-exception-6-");

    [CampaignFact("gcc", "objcopy")]
    public void KilledInTheMiddleACampaignGoesOnWithAllItHad()
    {
        Campaign campaign = Run("kernel-snapshot", "--kill", "2");
        campaign.FindsA(": crash ");
        Assert.Matches("killed after [0-9]+ s with [1-9][0-9]* inputs\ngoes on after [0-9]+ s with [1-9][0-9]* inputs\n", campaign.Output);
    }

    static Campaign Run(string sample, params string[] options)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(Repository.Root, "samples", sample, "run.sh"), .. options]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["FASTVCPU"] = $"dotnet {Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll")}";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Campaign(process.ExitCode, output, error.Result);
    }

    /// <summary>What a campaign came to.</summary>
    sealed record Campaign(int ExitCode, string Output, string Error)
    {
        public void FindsA(string crash)
        {
            Assert.True(ExitCode == 0, Output + Error);
            Assert.Contains("found after", Output);
            Assert.Equal(2, Output.Split(crash).Length - 1);
        }
    }
}

/// <summary>A test that needs afl-fuzz and other tools; where one is not installed, the test says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class CampaignFactAttribute : FactAttribute
{
    public CampaignFactAttribute(params string[] tools)
    {
        string? missing = ((string[])["afl-fuzz", .. tools]).FirstOrDefault(tool => !IsInstalled(tool));
        Skip = missing == null ? null : $"{missing} is not installed.";
    }

    static bool IsInstalled(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, tool)));
}
