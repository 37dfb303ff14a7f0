using FastVcpu.Linux;
using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Fuzz.Files;

/// <summary>A folder that is all that a program sees, with streams that lead nowhere.</summary>
sealed class GuestRoot : IDisposable
{
    readonly SafeFileHandle nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    public string Path { get; } = Directory.CreateTempSubdirectory("fastvcpu-files").FullName;

    public LinuxOptions Options => new() { Root = Path, MemoryLimit = 64 << 20, MaxThreads = 8, StandardInput = nothing, StandardOutput = nothing, StandardError = nothing };

    /// <summary>Writes a file, which may be executed; returns its path on the host.</summary>
    public string Put(string path, byte[] contents)
    {
        path = System.IO.Path.Combine(Path, path.TrimStart('/'));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.Delete(path);
        File.WriteAllBytes(path, contents);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        return path;
    }

    public void Dispose()
    {
        nothing.Dispose();
        Directory.Delete(Path, recursive: true);
    }
}
