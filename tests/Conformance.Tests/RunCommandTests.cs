using System.Runtime.Versioning;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>`fastvcpu run`: what belongs to the program reaches it, and its end is told.</summary>
[SupportedOSPlatform("linux")]
public class RunCommandTests
{
    [Fact]
    public void WhatFollowsTheProgramIsForTheProgram() =>
        Assert.Equal((0, "--root --help -l -- --strace\n", ""), Run("/bin/echo", "--root", "--help", "-l", "--", "--strace"));

    [Fact]
    public void TheExitCodeIsTheProgramsOwn() => Assert.Equal((7, "", ""), Run("/bin/sh", "-c", "exit 7"));

    [Fact]
    public void AProgramThatASignalEndsIsReportedAsAShellDoes() => Assert.Equal((143, "", "Terminated\n"), Run("/bin/sh", "-c", "kill -TERM $$"));

    [Fact]
    public void TheEnvironmentIsThatOfTheCommandAndMore()
    {
        (int exitCode, string output, _) = Run("--env", "COLOUR=blue", "/usr/bin/env");
        Assert.Equal(0, exitCode);
        Assert.Contains("COLOUR=blue\n", output);
        Assert.Contains("PATH=", output);
    }

    [Fact]
    public void TheTraceAndTheFiguresGoToStandardError()
    {
        (int exitCode, string output, string error) = Run("--strace", "--stats", "/bin/echo", "text");
        Assert.Equal((0, "text\n"), (exitCode, output));
        Assert.Contains("write(1, \"text\\n\", 5) = 5", error);
        Assert.Contains("exit_group(0) = ?", error);
        Assert.Matches("instructions  [0-9]+\n", error);
    }

    [Fact]
    public void AProgramThatTheCpuModelCannotRunIsRefused()
    {
        (int exitCode, _, string error) = Run("--cpu", "pentium", "/bin/true");
        Assert.Equal(2, exitCode);
        Assert.Contains("needs a 64-bit CPU", error);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public void ACrashShowsTheInstructionAndTheRegisters()
    {
        string path = Path.GetTempFileName();
        try
        {
            // A 64-bit program: mov ebx, 0x1234; then an instruction that the plain x86-64 model does not have (VPXOR), then UD2.
            File.WriteAllBytes(path, Program([0xBB, 0x34, 0x12, 0, 0, 0xC5, 0xF9, 0xEF, 0xC0, 0x0F, 0x0B]));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            (int exitCode, _, string error) = Run(path);
            Assert.Equal(132, exitCode);
            Assert.Contains("does not have the instruction VPXOR", error);
            Assert.Contains("rbx 0000000000001234", error);
            Assert.Contains("=> 40007d", error);
            Assert.EndsWith("Illegal instruction\n", error);
        }
        finally
        {
            File.Delete(path);
        }
    }

    static (int ExitCode, string Output, string Error) Run(params string[] arguments) => CommandLineTests.Run(["run", .. arguments]);

    /// <summary>The smallest ELF file: header, one program header, code at 0x400078.</summary>
    internal static byte[] Program(byte[] code) =>
    [
        0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0, 1, 0, 0, 0,
        0x78, 0, 0x40, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
        (byte)(0x78 + code.Length), 0, 0, 0, 0, 0, 0, 0, (byte)(0x78 + code.Length), 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
        .. code,
    ];
}
