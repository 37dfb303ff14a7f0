using System.Security.Cryptography;

namespace FastVcpu.Cli.Fuzzing;

/// <summary>A file that a program has opened.</summary>
/// <param name="Path">Its path in the guest.</param>
/// <param name="Sha256">SHA-256 of its contents, in hexadecimal; null if it could not be read.</param>
sealed record FileHash(string Path, string? Sha256);

/// <summary>What is fuzzed: enough to set it up again on another machine. Part of a reproduction file.</summary>
sealed record TargetDescription
{
    /// <summary>The largest snapshot.</summary>
    public const long LargestFile = 1L << 31;

    /// <summary>Path of the flat binary or program.</summary>
    public required string File { get; init; }

    /// <summary>SHA-256 of the file, in hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Contents of a flat binary; null for a program, which is more than its file.</summary>
    public byte[]? Content { get; init; }

    /// <summary>Width of a flat binary's code.</summary>
    public int Bits { get; init; } = 64;

    /// <summary>Where a flat binary lies.</summary>
    public ulong Base { get; init; }

    /// <summary>The function of a flat binary, or where a program is frozen instead of at its input.</summary>
    public ulong? Entry { get; init; }

    /// <summary>The program is a server: its input comes from the connection that it accepts.</summary>
    public bool Desock { get; init; }

    /// <summary>Zeroed memory, as ADDR:SIZE; the input goes to the first one.</summary>
    public string[] Maps { get; init; } = [];

    /// <summary>Arguments of a program.</summary>
    public string[] Arguments { get; init; } = [];

    /// <summary>Libraries and other files that the program has opened, besides its own.</summary>
    public FileHash[] Files { get; init; } = [];

    /// <summary>Environment of a program.</summary>
    public string[] Environment { get; init; } = [];

    /// <summary>Working directory of a program.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary>The file is a snapshot of a machine.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Addresses that a machine comes to when it has crashed.</summary>
    public ulong[] CrashAddresses { get; init; } = [];

    /// <summary>CPU model.</summary>
    public required string Cpu { get; init; }

    /// <summary>More instructions than an input may take.</summary>
    public required long Limit { get; init; }

    /// <summary>Whether the file is a flat binary; otherwise it is a program of Linux.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsFlat => Content != null;

    /// <summary>The hash of contents as it stands in a description.</summary>
    public static string Hash(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
