using BenchmarkDotNet.Attributes;

namespace FastVcpu.Bench.Guests;

/// <summary>Whole guest programs through the public API. The column MIPS is million retired instructions a second.</summary>
[Config(typeof(GuestConfig))]
public class GuestBenchmark
{
    GuestCall guest = null!;

    /// <summary>The programs that are there.</summary>
    public static IEnumerable<GuestProgram> Programs => GuestProgram.All.Where(program => program.Exists);

    /// <summary>The program to run.</summary>
    [ParamsSource(nameof(Programs))]
    public GuestProgram Program { get; set; } = null!;

    /// <summary>Loads the program.</summary>
    [GlobalSetup]
    public void Load() => guest = new GuestCall(Program.File, Program.Bits);

    /// <summary>Calls the program with its iteration count.</summary>
    [Benchmark]
    public long Call() => guest.Call(Program.Iterations) is var retired && retired == Program.Instructions
        ? retired
        : throw new InvalidOperationException($"{Program} retired {retired} instructions, not {Program.Instructions}.");

    /// <summary>Returns the memory.</summary>
    [GlobalCleanup]
    public void Unload() => guest.Dispose();
}
