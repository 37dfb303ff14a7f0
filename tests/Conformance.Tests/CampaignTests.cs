using System.Diagnostics;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The campaigns of samples with the real afl-fuzz: two processes that share their corpus find the bug; what they have found survives SIGKILL.</summary>
public sealed class CampaignTests
{
    /// <summary>One of the words of the dictionary at one place of the seed is the bug, so the first process comes to it whatever chance has the second one do.</summary>
    [CampaignFact("bc")]
    public void TwoProcessesFindABugInAProgramOfDebian() => Run("debian-binary").FindsA("crash signal-6-from-bc+");

    /// <summary>Three records of a kind, which is one after another, each of them new coverage.</summary>
    [CampaignFact("gcc")]
    public void TwoProcessesFindABugBehindThreeGates()
    {
        string dictionary = Path.GetTempFileName();
        File.WriteAllText(dictionary, "\"A\\x01:x\"\n\"B\\x02:xx\"\n\"W\\x04:xxxx\"\n");
        Run("records", "--dictionary", dictionary).FindsA(": crash signal-11-exception-14-");
        File.Delete(dictionary);
    }

    [CampaignFact("gcc", "objcopy")]
    public void KilledInTheMiddleACampaignGoesOnWithAllItHad()
    {
        Campaign campaign = Run("kernel-snapshot", "--kill", "2");
        campaign.FindsA(": crash ");
        Assert.Matches("killed after [0-9]+ s with [1-9][0-9]* inputs\ngoes on after [0-9]+ s with [1-9][0-9]* inputs\n", campaign.Output);
    }

    /// <summary>afl-fuzz shows what a target says only when it is asked to.</summary>
    [CampaignFact]
    public void ATargetThatIsNoneEndsAflFuzzAndSaysWhy()
    {
        string folder = Directory.CreateTempSubdirectory().FullName, seeds = Path.Combine(folder, "in");
        Directory.CreateDirectory(seeds);
        File.WriteAllText(Path.Combine(seeds, "seed"), "x");
        const string command = "AFL_DEBUG_CHILD=1 AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=600000 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 "
            + "setsid -w afl-fuzz -i \"$0/in\" -o \"$0/out\" -t 2000 -- $FASTVCPU afl /bin/true 2>&1";
        Campaign campaign = Run(new ProcessStartInfo("bash", ["-c", command, folder]));
        Directory.Delete(folder, recursive: true);
        Assert.NotEqual(0, campaign.ExitCode);
        Assert.Contains("fastvcpu: The program ended with code 0 before it came to its input", campaign.Output);
    }

    /// <summary>On a busy machine it takes its time, and so may a single run.</summary>
    static Campaign Run(string sample, params string[] options) =>
        Run(new ProcessStartInfo("bash", [Path.Combine(Repository.Root, "samples", sample, "run.sh"), "--limit", "3000", "--timeout", "20000", .. options]));

    static Campaign Run(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
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
