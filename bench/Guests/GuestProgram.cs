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
        .. Compiled,
    ];

    /// <summary>What a C compiler made (<c>bench/guests</c>). The last ones need AVX2, which not every peer has.</summary>
    static IEnumerable<GuestProgram> Compiled =>
    [
        new("quicksort", 64, 16, 487_546, 205),
        new("hashtable", 64, 14, 1_448_695, 69),
        new("strings", 64, 20, 926_515, 108),
        new("lz", 64, 20, 682_700, 146),
        new("nbody", 64, 16, 238_574, 419),
        new("x87", 64, 14, 742_480, 135),
        new("bytecode", 64, 15, 2_218_660, 45),
        new("arguments", 64, 20, 431_513, 232),
        new("virtual", 64, 20, 654_407, 153),
        new("bits", 64, 18, 641_052, 156),
        new("wide", 64, 20, 339_755, 294),
        new("vector", 64, 16, 191_184, 523),
        new("repshort", 64, 17, 300_009, 333),
        new("quicksort", 32, 22, 499_901, 200),
        new("hashtable", 32, 22, 1_487_614, 67),
        new("strings", 32, 22, 912_335, 110),
        new("lz", 32, 22, 631_290, 158),
        new("nbody", 32, 22, 240_178, 416),
        new("x87", 32, 22, 709_801, 141),
        new("bytecode", 32, 22, 2_248_664, 44),
        new("arguments", 32, 27, 397_457, 252),
        new("virtual", 32, 22, 819_390, 122),
        new("bits", 32, 22, 647_061, 155),
        new("wide", 32, 22, 349_882, 286),
        new("vector", 32, 22, 191_194, 523),
        new("repshort", 32, 27, 300_014, 333),
        new("avx", 64, 15, 80_087, 1249),
        new("avx", 32, 22, 80_363, 1244),
    ];

    /// <summary>Measured when nobody says what. Not where REP counts as one instruction, and not the compiled ones, which are many.</summary>
    public bool IsUsual => Name != "repmovs" && !IsCompiled;

    /// <summary>One of those that are compiled.</summary>
    public bool IsCompiled => Compiled.Contains(this);

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
