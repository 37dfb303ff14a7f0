using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Tests.Harness;

/// <summary>Standard streams of a program.</summary>
sealed class Streams(TemporaryFolder folder, string output, string? input = null) : IDisposable
{
    public SafeFileHandle Input { get; } = File.OpenHandle(input == null ? "/dev/null" : folder[input], share: FileShare.ReadWrite);

    public SafeFileHandle Output { get; } = File.OpenHandle(folder[output], FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);

    public long Length => RandomAccess.GetLength(Output);

    public string Text => File.ReadAllText(folder[output]);

    public void Dispose()
    {
        Input.Dispose();
        Output.Dispose();
    }
}
