using System.Diagnostics;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>`boot` as it is used at a console, with kernels of a few bytes.</summary>
public sealed class BootCommandTests : IDisposable
{
    const string Escape = "\x01";

    static readonly TimeSpan patience = TimeSpan.FromMinutes(10);

    /// <summary>Says nothing and runs for ever.</summary>
    static readonly byte[] Silent = [0xEB, 0xFE];

    /// <summary>Writes OK to the serial port and to the screen, and runs for ever.</summary>
    static readonly byte[] Talking =
    [
        0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'O', 0xEE, 0xB0, (byte)'K', 0xEE,       // mov dx, 3F8h; mov al, 'O'; out dx, al; mov al, 'K'; out dx, al
        0xC7, 0x05, 0x00, 0x80, 0x0B, 0x00, (byte)'O', 0x07, (byte)'K', 0x07,       // mov dword [B8000h], "OK" in grey
        0xEB, 0xFE,                                                                 // jmp $
    ];

    /// <summary>Answers each byte of the serial port with how many there have been.</summary>
    static readonly byte[] Counting =
    [
        0x66, 0xBA, 0xFC, 0x03, 0xB0, 0x02, 0xEE, 0x31, 0xDB,                       // mov dx, 3FCh; mov al, 2; out dx, al; xor ebx, ebx
        0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xF7,                       // next: mov dx, 3FDh; in al, dx; test al, 1; jz next
        0xB2, 0xF8, 0xEC, 0xFE, 0xC3, 0x88, 0xD8, 0x04, (byte)'0', 0xEE,            // mov dl, F8h; in al, dx; inc bl; mov al, bl; add al, '0'; out dx, al
        0xEB, 0xEB,                                                                 // jmp next
    ];

    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ControlAXEndsTheMachine()
    {
        using Process process = Start(Talking);
        Expect(process, "OK");
        process.StandardInput.Write(Escape + "x");
        process.StandardInput.Flush();
        Assert.Equal(0, Exit(process));
    }

    [Fact]
    public void ControlACLeadsToTheMonitorAndBack()
    {
        string picture = Path.Combine(folder, "screen.png");
        using Process process = Start(Talking);
        Expect(process, "OK");
        Type(process, Escape + "c");
        Expect(process, "(fastvcpu) ");
        Type(process, "info status\r");
        Expect(process, "instructions, ");
        Type(process, "screen\r");
        Expect(process, "OK\r\n");
        Type(process, $"screenshot {picture}\rnonsense\r");
        Expect(process, "no such command");
        Assert.Equal(0x89, File.ReadAllBytes(picture)[0]);
        Type(process, Escape + "?");
        Expect(process, "Ctrl-A X ends");
        Type(process, Escape + "c" + Escape + "c" + "quit\r");
        Assert.Equal(0, Exit(process));
    }

    [Fact]
    public void TheMonitorSavesTheMachineAndGoesBackToIt()
    {
        string snapshot = Path.Combine(folder, "snapshot"), missing = Path.Combine(folder, "missing");
        using Process process = Start(Counting);
        Type(process, "x");
        Expect(process, "1");
        Type(process, Escape + $"csnapshot save {snapshot}\r");
        Expect(process, "saved after ");
        Type(process, Escape + "cx");
        Expect(process, "2");
        Type(process, Escape + $"csnapshot load {missing}\r");
        Expect(process, "missing");
        Type(process, $"snapshot load {folder}\r");
        Expect(process, folder);
        Type(process, Escape + "cx");
        Expect(process, "3");
        Type(process, Escape + $"csnapshot load {snapshot}\r");
        Expect(process, "as it was after ");
        Type(process, Escape + "cx");
        Expect(process, "2");
        Type(process, Escape + "x");
        Assert.Equal(0, Exit(process));
    }

    [Fact]
    public void WhileNothingIsOnTheConsoleThereIsASignOfLife()
    {
        using Process process = Start(Silent);
        Assert.Contains("nothing on the console yet", process.StandardError.ReadLine());
        Type(process, Escape + "x");
        Assert.Equal(0, Exit(process));
    }

    [Fact]
    public void APictureOfTheScreenIsWrittenAtTheEnd()
    {
        string picture = Path.Combine(folder, "end.png");
        using Process process = Start(Talking, "--limit", "100000", "--screenshot", picture);
        Assert.Equal(3, Exit(process));
        Assert.Equal("PNG"u8, File.ReadAllBytes(picture).AsSpan(1, 3));
    }

    [Theory]
    [InlineData("7F454C4602", "not a whole one")]
    [InlineData("7F454C460101010000000000000000000200030001000000000010000000000000000000000000003400200000000000000000000000", "no segment")]
    [InlineData("7F454C46010101000000000000000000020003000100000000001000F0FFFFFF00000000000000003400200001000000000000000000", "do not lie in the file")]
    [InlineData("D65052E80000000010FFFFFF1AB0AD17", "ends within its Multiboot 2 header")]
    public void AKernelThatCannotBeLoadedIsRefusedInASentence(string hex, string words)
    {
        using Process process = Start(Convert.FromHexString(hex));
        Assert.Equal(2, Exit(process));
        string error = process.StandardError.ReadToEnd();
        Assert.Contains(words, error);
        Assert.Single(error.Trim().Split('\n'));
    }

    Process Start(byte[] kernel, params string[] more)
    {
        string file = Path.Combine(folder, "kernel");
        File.WriteAllBytes(file, kernel);
        ProcessStartInfo start = new("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll"), "boot", "--kernel", file, "--serial", "stdio" }.Concat(more))
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }

    static void Type(Process process, string text)
    {
        process.StandardInput.Write(text);
        process.StandardInput.Flush();
    }

    /// <summary>Reads the console up to a text.</summary>
    static void Expect(Process process, string text)
    {
        string read = "";
        using Timer giveUp = new(_ => process.Kill(), null, patience, Timeout.InfiniteTimeSpan);
        while (!read.EndsWith(text, StringComparison.Ordinal))
        {
            int next = process.StandardOutput.Read();
            Assert.True(next >= 0, read);
            read += (char)next;
        }
    }

    static int Exit(Process process)
    {
        Assert.True(process.WaitForExit(patience));
        return process.ExitCode;
    }
}
