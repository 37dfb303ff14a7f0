using FastVcpu.Cli.KvmReplay;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The scenarios of `fastvcpu kvm-compare`, without KVM.</summary>
public sealed class KvmCompareTests
{
    [Fact]
    public void EveryScenarioEndsOnFastVcpu()
    {
        foreach (Scenario scenario in Scenarios.All)
        {
            using FastVcpuReplay machine = new();
            scenario.Play(machine);
            Assert.NotEmpty(machine.Seen);
            Assert.All(machine.Seen, seen => Assert.DoesNotContain("Limit", seen.Value));
        }
    }

    [Fact]
    public void WithoutKvmOneSentenceSaysSo()
    {
        if (File.Exists("/dev/kvm"))
        {
            return;
        }
        (int exitCode, _, string error) = CommandLineTests.Run(["kvm-compare"]);
        Assert.Equal(2, exitCode);
        Assert.Contains("/dev/kvm, which is not here", error);
        Assert.Single(error.Trim().Split('\n'));
    }
}
