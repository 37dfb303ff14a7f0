using Xunit;

namespace FastVcpu.Tests;

/// <summary>Machines and programs go on in another process.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
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

    [Fact]
    public void AProgramGoesOnInAnotherProcess()
    {
        string program = Path.Combine(folder, "program"), input = Path.Combine(folder, "input"), snapshot = Path.Combine(folder, "snapshot");
        // mov ecx, 1000; loop $; read(0, rsp - 64, 16): a C at its beginning is a fault; write(1, rsp - 64, 1); exit(7)
        File.WriteAllBytes(program, RunCommandTests.Program([
            0xB9, 0xE8, 3, 0, 0, 0xE2, 0xFE, 0x48, 0x8D, 0x74, 0x24, 0xC0, 0x31, 0xFF, 0xBA, 16, 0, 0, 0, 0x31, 0xC0, 0x0F, 0x05,
            0x80, 0x3E, (byte)'C', 0x75, 2, 0x0F, 0x0B, 0xBF, 1, 0, 0, 0, 0xBA, 1, 0, 0, 0, 0xB8, 1, 0, 0, 0, 0x0F, 0x05, 0xBF, 7, 0, 0, 0, 0xB8, 60, 0, 0, 0, 0x0F, 0x05,
        ]));
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string[] start = ["run", "--deterministic"];
        (int code, _, string straight) = CommandLineTests.Run([.. start, "--limit", "900", "--hash", program]);
        Assert.Equal(3, code);
        Assert.Equal(3, CommandLineTests.Run([.. start, "--limit", "500", "--snapshot-out", snapshot, program]).ExitCode);
        (code, _, string continued) = CommandLineTests.Run(["run", "--snapshot-in", snapshot, "--limit", "900", "--hash"]);
        Assert.Equal((3, straight), (code, continued));
        Assert.StartsWith("hash ", straight);
        Assert.Equal(7, CommandLineTests.Run(["run", "--snapshot-in", snapshot]).ExitCode);
        Assert.Contains("has ended before the limit", CommandLineTests.Run([.. start, "--limit", "90000", "--hash", program]).Error);

        // As a target: it is run on to where it reads.
        foreach ((string text, string end) in new[] { ("x", "done"), ("C", "crash signal-4-") })
        {
            File.WriteAllText(input, text);
            (code, string output, string error) = CommandLineTests.Run(["afl", snapshot, "--snapshot", "--save", folder, input]);
            Assert.Equal((text == "C" ? 1 : 0, ""), (code, error));
            Assert.StartsWith($"{input}: {end}", output);
        }
        Assert.Equal(0, CommandLineTests.Run(["replay", .. Directory.GetFiles(folder, "*.json")]).ExitCode);

        Assert.Contains("not describe a PC", CommandLineTests.Run(["boot", "--snapshot-in", snapshot]).Error);
        Assert.Contains("need a --limit", CommandLineTests.Run(["run", "--hash", program]).Error);
        Assert.Contains("Say what to run", CommandLineTests.Run(["run"]).Error);
        File.WriteAllBytes(snapshot, File.ReadAllBytes(snapshot)[..^1]);
        (code, _, string damaged) = CommandLineTests.Run(["run", "--snapshot-in", snapshot]);
        Assert.Equal(2, code);
        Assert.Contains("damaged", damaged);
    }
}
