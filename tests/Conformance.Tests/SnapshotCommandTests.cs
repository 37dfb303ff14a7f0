using Xunit;

namespace FastVcpu.Tests;

/// <summary>A machine goes on in another process.</summary>
public sealed class SnapshotCommandTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ASnapshotGoesOnInAnotherProcessToTheSameHash()
    {
        string kernel = Path.Combine(folder, "kernel"), snapshot = Path.Combine(folder, "snapshot");
        // next: rdtsc; add [200000h], eax; imul ebx, eax, 12345; out 80h, al; inc ecx; jmp next
        File.WriteAllBytes(kernel, [0x0F, 0x31, 0x01, 0x05, 0, 0, 0x20, 0, 0x69, 0xD8, 0x39, 0x30, 0, 0, 0xE6, 0x80, 0x41, 0xEB, 0xED]);
        string[] start = ["boot", "--kernel", kernel, "--memory", "16M", "--deterministic", "--port-log", "0x81"];
        (int code, _, string straight) = CommandLineTests.Run([.. start, "--limit", "30000", "--hash"]);
        Assert.Equal(3, code);
        Assert.Equal(3, CommandLineTests.Run([.. start, "--limit", "12345", "--snapshot-out", snapshot]).ExitCode);
        (code, _, string continued) = CommandLineTests.Run(["boot", "--snapshot-in", snapshot, "--limit", "30000", "--hash"]);
        Assert.Equal((3, straight), (code, continued));
        Assert.StartsWith("hash ", straight);
        (code, _, string error) = CommandLineTests.Run(["boot", "--snapshot-in", kernel]);
        Assert.Equal(2, code);
        Assert.Contains("This is no snapshot.", error);
        File.WriteAllBytes(snapshot, File.ReadAllBytes(snapshot)[..^1]);
        (code, _, error) = CommandLineTests.Run(["boot", "--snapshot-in", snapshot]);
        Assert.Equal(2, code);
        Assert.Contains("damaged", error);
    }
}
