using System.Text.Json;

namespace FastVcpu.Cli.Conform;

/// <summary>Tells what came of the vectors.</summary>
abstract class ConformOutput
{
    public abstract void Add(FileResult file);

    /// <param name="passed">Vectors that passed.</param>
    /// <param name="failed">Vectors that failed, the unsupported ones included unless <paramref name="areSkipped"/>.</param>
    /// <param name="unsupported">Vectors that need a feature the CPU model lacks.</param>
    /// <param name="areSkipped">Unsupported vectors do not count as failed.</param>
    public abstract void End(int passed, int failed, int unsupported, bool areSkipped);
}

/// <summary>For people: a line for each file, the first failures, the sums.</summary>
sealed class TextConformOutput(TextWriter output) : ConformOutput
{
    public override void Add(FileResult file)
    {
        string mode = file.Mode.ToString().ToLowerInvariant();
        string unsupported = file.Unsupported > 0 ? $", {file.Unsupported} need a feature that the CPU model lacks" : "";
        output.WriteLine($"{mode} {Path.GetFileName(file.File)}: {file.Passed} passed, {file.Failed} failed{unsupported}");
        foreach (VectorFailure failure in file.Failures)
        {
            output.WriteLine($"  {failure.File}:{failure.Line}: {failure.Name}");
            output.WriteLine($"    bytes {failure.Bytes}  {failure.Code}");
            output.WriteLine($"    input {failure.Input}");
            foreach (string difference in failure.Differences)
            {
                output.WriteLine($"    {difference}");
            }
        }
    }

    public override void End(int passed, int failed, int unsupported, bool areSkipped)
    {
        string what = areSkipped ? "skipped" : "of these not run";
        string note = unsupported > 0 ? $" ({unsupported} {what}: the CPU model lacks the feature)" : "";
        output.WriteLine($"{passed} passed, {failed} failed{note}");
    }
}

/// <summary>For programs: one JSON object.</summary>
sealed class JsonConformOutput(TextWriter output) : ConformOutput
{
    readonly List<FileResult> files = [];

    public override void Add(FileResult file) => files.Add(file);

    public override void End(int passed, int failed, int unsupported, bool areSkipped)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("passed", passed);
            json.WriteNumber("failed", failed);
            json.WriteNumber("unsupported", unsupported);
            json.WriteStartArray("files");
            foreach (FileResult file in files)
            {
                Write(json, file);
            }

            json.WriteEndArray();
            json.WriteStartArray("failures");
            foreach (VectorFailure failure in files.SelectMany(file => file.Failures))
            {
                Write(json, failure);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    static void Write(Utf8JsonWriter json, FileResult file)
    {
        json.WriteStartObject();
        json.WriteString("file", file.File);
        json.WriteString("mode", file.Mode.ToString().ToLowerInvariant());
        json.WriteNumber("passed", file.Passed);
        json.WriteNumber("failed", file.Failed);
        json.WriteNumber("unsupported", file.Unsupported);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, VectorFailure failure)
    {
        json.WriteStartObject();
        json.WriteString("file", failure.File);
        json.WriteNumber("line", failure.Line);
        json.WriteString("name", failure.Name);
        json.WriteString("code", failure.Code);
        json.WriteString("bytes", failure.Bytes);
        json.WriteString("input", failure.Input);
        json.WriteStartArray("differences");
        foreach (string difference in failure.Differences)
        {
            json.WriteStringValue(difference);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
