using System.Text.Json;
using System.Text.Json.Serialization;
using FastVcpu.Cli.Input;
using FastVcpu.Fuzzing;

namespace FastVcpu.Cli.Fuzzing;

/// <summary>An input with the target it belongs to and what became of it: a file that anybody can run again.</summary>
sealed record Reproduction
{
    const string FormatName = "fastvcpu-reproduction";
    const int CurrentVersion = 1;
    const int LargestFile = 256 << 20;

    public string Format { get; init; } = FormatName;

    public int Version { get; init; } = CurrentVersion;

    public required TargetDescription Target { get; init; }

    public required byte[] Input { get; init; }

    /// <summary>What became of it.</summary>
    public required string Bucket { get; init; }

    public required long Instructions { get; init; }

    /// <summary>Writes the file so that it is there as a whole or not at all; returns its path. The name is that of the bucket.</summary>
    public string Save(string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, (Bucket.Length > 0 ? Bucket : "done") + ".json"), draft = path + $".{Environment.ProcessId}.tmp";
        using (FileStream file = File.Create(draft))
        {
            JsonSerializer.Serialize(file, this, ReproductionJson.Default.Reproduction);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
        return path;
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It is none, or of another version.</exception>
    public static Reproduction Load(string path)
    {
        byte[] text = InputFile.Read(path, LargestFile);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("Format", out JsonElement format)
                || format.ValueKind != JsonValueKind.String || format.GetString() != FormatName)
            {
                throw new InputException($"'{path}' is not a reproduction file.");
            }

            if (!document.RootElement.TryGetProperty("Version", out JsonElement version) || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number)
                || number != CurrentVersion)
            {
                throw new InputException($"'{path}' has version {version}; this tool reads version {CurrentVersion}.");
            }

            Reproduction read = document.Deserialize(ReproductionJson.Default.Reproduction)!;
            if (read.Target is not { File: not null, Sha256: not null, Cpu: not null, Maps: not null, Arguments: not null, Environment: not null, WorkingDirectory: not null, CrashAddresses: not null, Files: not null } target
                || target.Maps.Concat(target.Arguments).Concat(target.Environment).Contains(null) || target.Files.Any(file => file?.Path is null) || read.Input is null || read.Bucket is null || target.Limit < 0
                || (target.Content is { } content && (content.Length == 0 || TargetDescription.Hash(content) != target.Sha256)))
            {
                throw new InputException($"'{path}' is damaged.");
            }

            return read;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // An invalid operation: a string holds bytes that are not UTF-8. The messages quote what may be the whole file.
            throw new InputException($"'{path}' is not a reproduction file{(error is JsonException { LineNumber: { } line } ? $", see line {line + 1}" : "")}.");
        }
    }

    /// <summary>The reproduction of a result.</summary>
    public static Reproduction Of(TargetDescription target, byte[] input, in FuzzResult result) =>
        new() { Target = target, Input = input, Bucket = result.Bucket, Instructions = result.Instructions };
}

/// <summary>How reproduction files are written.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Reproduction))]
sealed partial class ReproductionJson : JsonSerializerContext;
