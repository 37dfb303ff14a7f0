using System.Diagnostics;

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

    /// <summary>Guests make names that are not valid text, with which .NET cannot deal.</summary>
    public void Dispose()
    {
        using Process process = Process.Start("/bin/rm", ["-rf", Path]);
        process.WaitForExit();
    }
}
