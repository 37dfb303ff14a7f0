using BenchmarkDotNet.Attributes;

namespace FastVcpu.Bench.Micro;

/// <summary>Single mechanisms. Times are for one operation; the column beside them is allocated bytes for a million guest instructions.</summary>
[Config(typeof(MicroConfig))]
public class MicroBenchmark
{
    MicroCase made = null!;

    /// <summary>All of them.</summary>
    public static IEnumerable<string> Names => MicroCases.Names;

    /// <summary>Which one.</summary>
    [ParamsSource(nameof(Names))]
    public string Case { get; set; } = "";

    /// <summary>Assembles the guest.</summary>
    [GlobalSetup]
    public void Make() => made = MicroCases.Make(Case);

    /// <summary>Does the operations.</summary>
    [Benchmark(OperationsPerInvoke = MicroCase.Operations)]
    public long Run() => made.Run();

    /// <summary>Returns the memory.</summary>
    [GlobalCleanup]
    public void Unload() => made.Dispose();
}
