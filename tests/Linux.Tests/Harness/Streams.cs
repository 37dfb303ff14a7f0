using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Tests.Harness;

/// <summary>Standard streams of a program.</summary>
sealed class Streams(TemporaryFolder folder, string output, string? input = null) : IDisposable
{
    public SafeFileHandle Input { get; } = File.OpenHandle(input == null ? "/dev/null" : folder[input], share: FileShare.ReadWrite);

    public SafeFileHandle Output { get; } = File.OpenHandle(folder[output], FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);

    public long Length => RandomAccess.GetLength(Output);

    public string Text => File.ReadAllText(folder[output]);

    /// <summary>The output as numbers of 64 bits.</summary>
    public long[] Words => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(File.ReadAllBytes(folder[output])).ToArray();

    public void Dispose()
    {
        Input.Dispose();
        Output.Dispose();
    }
}
