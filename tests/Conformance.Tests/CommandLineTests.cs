using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The command itself: exit codes and what it prints.</summary>
public sealed class CommandLineTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("run")]
    [InlineData("boot")]
    [InlineData("call")]
    [InlineData("gdb")]
    [InlineData("afl")]
    [InlineData("replay")]
    [InlineData("conform")]
    [InlineData("disasm")]
    [InlineData("isa")]
    public void EveryCommandHasHelp(string command)
    {
        (int exitCode, string output, string error) = Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("Usage:", output);
    }

    [Theory]
    [InlineData("call --bits 64 --base 0x400000", "argument")]
    [InlineData("call {code} --bits 64", "--base")]
    [InlineData("call {code} --bits 63 --base 0x400000", "'63' is not a width")]
    [InlineData("call {code} --bits 64 --base 4x", "'4x' is not a number")]
    [InlineData("call {code} --bits 64 --base 0x400000 --map 0x800000", "'0x800000' is not a map")]
    [InlineData("call {code} --bits 64 --base 0x400000 --map 0x800000:0", "is empty")]
    [InlineData("call {code} --bits 64 --base 0x400000 --map 0x800000:4M --map 0x900000:4K", "overlaps")]
    [InlineData("call {code} --bits 64 --base 0x400000 --map 0x400000:4K", "overlaps the file")]
    [InlineData("call {code} --bits 32 --base 0x400000 --map 0xffffffff:8K", "passes the end")]
    [InlineData("call {code} --bits 64 --base 0x400000 --map 0x800000:16383G", "more memory than")]
    [InlineData("call {code} --bits 16 --base 0x200000", "passes the end")]
    [InlineData("call {code} --bits 32 --base 0x400000 --arg 1 --arg 2 --arg 3 --arg 4 --arg 5", "too many")]
    [InlineData("call {code} --bits 64 --base 0x400000 --cpu z80", "'z80' is not a CPU model")]
    [InlineData("call {code} --bits 64 --base 0x400000 --cpu 80286", "does not run 64-bit code")]
    [InlineData("call {code} --bits 64 --base 0x400000 --speed 9", "--speed")]
    [InlineData("call {folder}/none.bin --bits 64 --base 0x400000", "does not exist")]
    [InlineData("call {folder} --bits 64 --base 0x400000", "is a folder")]
    [InlineData("call {empty} --bits 64 --base 0x400000", "is empty")]
    [InlineData("call {code} --bits 64 --base 0x400000 --gdb nowhere", "'nowhere' is not a port")]
    [InlineData("call {code} --bits 64 --base 0x400000 --gdb 192.0.2.1:1234", "other machines")]
    [InlineData("gdb {folder}/none", "")]
    [InlineData("gdb --base 0x400000 {code} word", "'word' is an argument")]
    [InlineData("gdb --rom --base 0x400000 {code}", "either --rom or --base")]
    [InlineData("boot --rom {code}", "it has to be a multiple of 4096")]
    [InlineData("boot --rom {empty}", "is empty")]
    [InlineData("boot --bios {code}", "it has to be a multiple of 4096")]
    [InlineData("afl /bin/cat", "afl-fuzz has not started this")]
    [InlineData("afl --input {code} {folder}/none", "does not exist")]
    [InlineData("afl --input {code} {folder}", "is a folder")]
    [InlineData("afl --input {code} {code}", "cannot be run")]
    [InlineData("afl --input {folder}/none /bin/cat", "does not exist")]
    [InlineData("afl --input {folder} /bin/cat", "is a folder")]
    [InlineData("afl --input {code} --limt 5 /bin/cat", "'--limt' is not an option")]
    [InlineData("afl --input {code} --limit 0 /bin/cat", "lets no instruction run")]
    [InlineData("afl --input {code} --limit few /bin/cat", "'few' is not a number")]
    [InlineData("afl --input {code} --crash 0x1000 /bin/cat", "--crash is for snapshots")]
    [InlineData("afl --input {code} --bits 32 /bin/cat", "--bits is for flat binaries")]
    [InlineData("afl --input {code} --map 0x1000:4K /bin/cat", "--map is for flat binaries")]
    [InlineData("afl --input {code} --env FOO /bin/cat", "'FOO' is not an environment variable")]
    [InlineData("afl --input {code} --cpu 486 /bin/cat", "needs a 64-bit CPU")]
    [InlineData("afl --input {code} --save {code} /bin/cat", "cannot be made")]
    [InlineData("afl --input {code} --base 0x400000 --snapshot {code}", "either --base or --snapshot")]
    [InlineData("afl --input {code} --base 0x400000 {code}", "a map for the input")]
    [InlineData("afl --input {code} --snapshot {code}", "no snapshot")]
    [InlineData("afl --input {code} --entry 0x1000 /bin/cat", "before it came to 1000h")]
    [InlineData("afl --input {code} /bin/true", "ended with code 0 before it came to its input")]
    [InlineData("conform {folder}/none.jsonl", "does not exist")]
    [InlineData("conform {folder}", "no vector file")]
    [InlineData("conform {code} --mode x65", "'x65' is not a mode")]
    [InlineData("conform {code}", "so its mode is unknown")]
    [InlineData("conform {code} --mode x64", "is damaged")]
    [InlineData("disasm zz", "neither a file nor")]
    [InlineData("run {folder}/none", "")]
    [InlineData("nonsense", "nonsense")]
    public void BadInputIsOneSentenceAndAnExitCode(string arguments, string sentence)
    {
        File.WriteAllBytes(Path.Combine(folder, "code.bin"), [0xC3]);
        File.WriteAllBytes(Path.Combine(folder, "empty.bin"), []);
        string[] words = [.. arguments.Split(' ').Select(word => word
            .Replace("{code}", Path.Combine(folder, "code.bin"))
            .Replace("{empty}", Path.Combine(folder, "empty.bin"))
            .Replace("{folder}", folder))];
        (int exitCode, string output, string error) = Run(words);
        Assert.NotEqual(0, exitCode);
        Assert.Equal("", output);
        Assert.Single(error.Trim().Split('\n'));
        Assert.StartsWith("fastvcpu: ", error);
        Assert.Contains(sentence, error);
    }

    [Fact]
    public void ACallPrintsWhatTheGuestReturned()
    {
        // mov eax, 5; add eax, edi; ret – the same bytes in 32 and 64 bits, and with 16-bit registers in 16.
        string code = Code(0xB8, 5, 0, 0, 0, 0x01, 0xF8, 0xC3);
        foreach (string bits in (string[])["32", "64"])
        {
            JsonElement call = Call(0, code, "--bits", bits, "--base", "0x400000", "--arg", "7", "--json");
            Assert.Equal((12, 3, "return"), (call.GetProperty("result").GetInt64(), call.GetProperty("instructions").GetInt64(), call.GetProperty("exit").GetString()));
            Assert.True(call.GetProperty("seconds").GetDouble() >= 0 && call.GetProperty("mips").GetDouble() >= 0);
        }

        string real = Code(0xB8, 5, 0, 0x01, 0xF8, 0xC3);
        Assert.Equal(4, Call(0, real, "--bits", "16", "--base", "0x10100", "--arg", "-1", "--json").GetProperty("result").GetInt64());
    }

    [Fact]
    public void ALimitIsExact()
    {
        string code = Code(0xB8, 5, 0, 0, 0, 0xFF, 0xC8, 0x75, 0xFC, 0xC3);
        for (int limit = 1; limit <= 12; limit++)
        {
            bool isDone = limit == 12;
            JsonElement call = Call(isDone ? 0 : 3, code, "--bits", "64", "--base", "64K", "--limit", limit.ToString(CultureInfo.InvariantCulture), "--json");
            Assert.Equal((isDone ? "return" : "limit", limit), (call.GetProperty("exit").GetString(), call.GetProperty("instructions").GetInt32()));
        }
    }

    [Fact]
    public void AFaultIsReportedWithRegistersAndDisassembly()
    {
        string code = Code(0xB8, 0x45, 0x23, 0x01, 0x00, 0x89, 0x00, 0xC3);
        (int exitCode, _, string error) = Run(["call", code, "--bits", "64", "--base", "0x400000"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("#PF page fault (14): write where nothing is mapped at address 0x12345, error code 0x6", error);
        Assert.Contains("mov [rax], eax", error);
        Assert.Contains("rax 0000000000012345", error);
        Assert.Contains("rip 0x400005", error);
    }

    [Fact]
    public void AFaultIn16BitCodeIsReportedToo()
    {
        string code = Code(0x31, 0xC9, 0xF7, 0xF1, 0xC3);
        (int exitCode, string output, string error) = Run(["call", code, "--bits", "16", "--base", "0x7c00"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("instructions  1\n", output);
        Assert.Contains("#DE divide error (0)", error);
        Assert.Contains("ip 0x7c02", error);
        Assert.Contains("div cx", error);
    }

    [Fact]
    public void DisassemblyReadsHexAndFiles()
    {
        Assert.Contains("mov eax, 5", Run(["disasm", "b8 05 00 00 00", "--bits", "32"]).Output);
        Assert.Contains("mov ax, 5", Run(["disasm", Code(0xB8, 5, 0), "--bits", "16", "--base", "0x7c00"]).Output);
    }

    string Code(params byte[] bytes)
    {
        string path = Path.Combine(folder, Path.GetRandomFileName());
        File.WriteAllBytes(path, bytes);
        return path;
    }

    static JsonElement Call(int expectedExitCode, params string[] arguments)
    {
        (int exitCode, string output, string error) = Run(["call", .. arguments]);
        Assert.True(exitCode == expectedExitCode, $"exit code {exitCode}: {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    internal static (int ExitCode, string Output, string Error) Run(string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
