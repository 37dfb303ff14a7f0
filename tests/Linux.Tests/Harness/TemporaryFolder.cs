namespace FastVcpu.Tests.Harness;

/// <summary>A folder that is gone after the test.</summary>
sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fastvcpu-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file that may be executed.</summary>
    public string Write(string name, byte[] contents)
    {
        string path = this[name];
        File.WriteAllBytes(path, contents);
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
