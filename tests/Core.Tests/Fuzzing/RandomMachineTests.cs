using FastVcpu.Fuzz.Machines;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>
/// Some of the random machines that tests/Fuzz runs for as long as one likes. FASTVCPU_FUZZ_SEED and FASTVCPU_FUZZ_MACHINES choose others, and more.
/// </summary>
public sealed class RandomMachineTests
{
    [Fact]
    public void ARandomMachineEndsTheSameWayInBlocksAndInSteps()
    {
        int seed = (int)Repository.Number("FASTVCPU_FUZZ_SEED", 1), machines = (int)Repository.Number("FASTVCPU_FUZZ_MACHINES", 400);
        using MachineFuzzer fuzzer = new();
        Assert.DoesNotContain(Enumerable.Range(seed, machines).Select(fuzzer.Run), finding => finding != null);
    }
}
