using FastVcpu.Fuzz.Code;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>
/// Some of the random code that tests/Fuzz runs for as long as one likes. FASTVCPU_FUZZ_SEED and FASTVCPU_FUZZ_BATCHES choose other code, and more.
/// </summary>
public sealed class RandomCodeTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    public void AllWaysOfRunningCodeEndInTheSameState(int bits)
    {
        int seed = (int)Repository.Number("FASTVCPU_FUZZ_SEED", 1), batches = (int)Repository.Number("FASTVCPU_FUZZ_BATCHES", 1);
        using HostCpu? host = HostCpu.TryStart(out _);
        using CodeFuzzer fuzzer = new(bits switch { 64 => CodeKind.Long, 32 => CodeKind.Compatibility, _ => CodeKind.Segmented16 }, CpuModel.Max, host);
        Assert.Empty(Enumerable.Range(seed, batches).SelectMany(fuzzer.RunBatch));
    }
}
