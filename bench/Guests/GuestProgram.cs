using FastVcpu.Tests;

namespace FastVcpu.Bench.Guests;

/// <summary>One of the guest programs that are called with an iteration count and return a checksum. A REP instruction counts once.</summary>
/// <param name="Name">File name without its extension.</param>
/// <param name="Bits">32 or 64.</param>
/// <param name="Constant">Instructions besides the iterations.</param>
/// <param name="PerIteration">Instructions of an iteration.</param>
/// <param name="Iterations">Iterations of a measured run.</param>
public sealed record GuestProgram(string Name, int Bits, long Constant, long PerIteration, int Iterations)
{
    /// <summary>All of them, with the counts of their own documentation.</summary>
    public static IEnumerable<GuestProgram> All { get; } =
    [
        new("alu", 64, 3, 700_003, 150),
        new("sieve", 64, 2, 14_690_881, 7),
        new("crc32", 64, 8_399_369, 8_388_611, 12),
        new("memcpy", 64, 2_097_158, 196_613, 500),
        new("fib", 64, 4, 1_275_417, 80),
        new("matmul_sse", 64, 98_311, 3_095_044, 30),
        new("repmovs", 64, 2_097_160, 10, 200),
        new("alu", 32, 3, 700_003, 150),
        new("sieve", 32, 2, 15_215_168, 7),
        new("crc32", 32, 8_399_369, 8_388_611, 12),
        new("memcpy", 32, 2_097_158, 393_221, 250),
        new("fib", 32, 4, 1_275_417, 80),
        new("matmul_sse", 32, 98_311, 3_095_044, 30),
        new("repmovs", 32, 2_097_160, 10, 200),
    ];

    /// <summary>Instructions of the whole run.</summary>
    public long Instructions => Constant + PerIteration * Iterations;

    /// <summary>Whether the file is there.</summary>
    public bool Exists => Candidates.Any(System.IO.File.Exists);

    /// <summary>The flat program: in <c>bench/guests</c>, or in the folder of guests beside the repository.</summary>
    /// <exception cref="ArgumentException">It is in neither.</exception>
    public string File => Candidates.FirstOrDefault(System.IO.File.Exists)
        ?? throw new ArgumentException($"The guest {this} is neither in bench/guests nor beside the repository; set FASTVCPU_GUESTS.");

    IEnumerable<string> Candidates => new[] { Path.Combine(Repository.Root, "bench", "guests"), Repository.Guests }
        .OfType<string>().Select(folder => Path.Combine(folder, Bits.ToString(), Name + ".bin"));

    /// <inheritdoc />
    public override string ToString() => $"{Name}-{Bits}";
}
