using System.Diagnostics;
using System.Runtime.Versioning;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>`fastvcpu afl` against a client that does what afl-fuzz does, and `fastvcpu replay` of what it leaves.</summary>
[SupportedOSPlatform("linux")]
public sealed class AflTests : IDisposable
{
    const int Segmentation = 11, Abort = 6, Killed = 9;

    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryInputRunsFromTheSameStateAndItsEndIsTold(bool isProgram)
    {
        using AflClient client = new(isProgram ? ["--limit", "100000", Program()] : [Flat(), "--base", "0x400000", "--map", "0x800000:64K", "--limit", "100000"]);
        Assert.Equal(0x80000001u, client.Hello & 0x80000001u);
        Assert.Equal(0, client.Run("hello"u8));
        byte[] map = client.Map.ToArray();
        Assert.True(map.Count(count => count != 0) > 1);
        foreach (byte[] input in new byte[][] { [.. "C"u8], [.. "H"u8], [], [.. "A"u8], new byte[5000] })
        {
            int expected = input is [(byte)'C', ..] || (input is [(byte)'A', ..] && isProgram) ? Segmentation : input is [(byte)'H', ..] ? Killed : 0;
            Assert.Equal(expected, expected == Killed ? client.RunAndKill(input) : client.Run(input));
            Assert.Equal(0, client.Run("hello"u8));
            Assert.True(client.Map.SequenceEqual(map));
        }
        Assert.Equal(0, client.Leave());
    }

    [Fact]
    public void AServerEndsWithTheAflFuzzThatIsKilled()
    {
        using AflClient client = new(Flat(), "--base", "0x400000", "--map", "0x800000:64K", "--limit", "100000");
        Assert.True(client.BeginAndDie("H"u8));
    }

    /// <summary>What afl-fuzz -c looks at, in the layout of AFL++ 4.04: headers of 64 bits, then 1 KiB of operands for each.</summary>
    [Fact]
    public void ComparisonsAndArgumentsOfCallsAreWhereAflFuzzLooksForThem()
    {
        const int places = 1 << 16, placeSize = 1024, size = places * (8 + placeSize);
        string target = Write("compare.bin", code =>
        {
            Label function = code.CreateLabel(), text = code.CreateLabel();
            code.cmp(__dword_ptr[rdi], 0x12345678);
            code.lea(rsi, __[text]);
            code.call(function);
            code.ret();
            code.Label(ref function);
            code.ret();
            code.Label(ref text);
            code.db("secret"u8.ToArray());
        }, bytes => bytes);
        using AflClient client = new(size, target, "--base", "0x400000", "--map", "0x800000:64K");
        foreach (string input in new[] { "abcdef", "ABCDEF" })
        {
            client.Comparisons[..(8 * places)].Clear();
            Assert.Equal(0, client.Run(System.Text.Encoding.ASCII.GetBytes(input)));
            ReadOnlySpan<byte> map = client.Comparisons;
            List<string> found = [];
            for (int place = 0; place < places; place++)
            {
                ulong header = BitConverter.ToUInt64(map[(8 * place)..]);
                (ulong hits, ulong length, ulong kind) = (header & 0xFFFFFF, (header >> 48 & 31) + 1, header >> 53 & 3);
                ReadOnlySpan<byte> operands = map.Slice(8 * places + placeSize * place, placeSize);
                if (kind == 1)
                {
                    found.Add($"{hits} {length} {BitConverter.ToUInt64(operands):x} {BitConverter.ToUInt64(operands[8..]):x}");
                }
                else if (kind == 2)
                {
                    found.Add($"{hits} {length} {operands[31]} {System.Text.Encoding.ASCII.GetString(operands[..6])} {System.Text.Encoding.ASCII.GetString(operands[32..38])}");
                }
            }
            Assert.Equal([$"1 31 31 {input} secret", $"1 4 {(input == "abcdef" ? "64636261" : "44434241")} 12345678"], found.Order());
        }
        Assert.Equal(0, client.Leave());
        Assert.Throws<EndOfStreamException>(() => new AflClient(size / 2, target, "--base", "0x400000", "--map", "0x800000:64K"));
    }

    [Fact]
    public void AReproductionFileGivesTheSameAgain()
    {
        string program = Program(), repros = Path.Combine(folder, "repros");
        foreach ((string input, string bucket) in new[] { ("C", "signal-11-exception-14-write"), ("A", "signal-6"), ("H", "hang"), ("x", "done") })
        {
            string path = Path.Combine(folder, "input");
            File.WriteAllText(path, input);
            foreach (string[] target in new[] { ["--limit", "100000", "--input", path, "--save", repros, program], new[] { Flat(), path, "--base", "0x400000", "--map", "0x800000:64K", "--limit", "100000", "--save", repros } })
            {
                Directory.CreateDirectory(repros);
                (int exitCode, string output, string error) = CommandLineTests.Run(["afl", .. target]);
                string end = target[0] == "--limit" ? bucket : input == "A" ? "done" : bucket.Replace("signal-11-", "");
                Assert.Equal((end == "done" ? 0 : 1, ""), (exitCode, error));
                string file = Assert.Single(Directory.GetFiles(repros));
                Assert.StartsWith(end, Path.GetFileName(file));
                (exitCode, string again, error) = CommandLineTests.Run(["replay", "--trace", file]);
                Assert.Equal((0, ""), (exitCode, error));
                Assert.Contains(output.Split('\n')[0][(path.Length + 2)..], again);
                Assert.Contains(input == "x" ? "the last" : " -> ", again);
                Directory.Delete(repros, recursive: true);
            }
        }
    }

    /// <summary>Programs of Debian, dynamically linked, that read in different ways: each input ends in the same way whatever ran before it.</summary>
    [Theory]
    [InlineData("/usr/bin/sort", "")]
    [InlineData("/usr/bin/md5sum", "@@")]
    [InlineData("/usr/bin/wc", "@@")]
    [InlineData("/usr/bin/head", "-c 3")]
    [InlineData("/bin/cat", "@@ @@")]
    public void ProgramsOfDebianStartFromTheSameState(string program, string arguments)
    {
        string[] inputs = [.. new[] { "b\na\n", "", new string('x', 100_000), "b\na\n", "" }.Select((text, number) =>
        {
            string path = Path.Combine(folder, $"input{number}");
            File.WriteAllText(path, text);
            return path;
        })];
        (int exitCode, string output, string error) = CommandLineTests.Run(
            ["afl", .. inputs.SelectMany(path => new[] { "--input", path }), program, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal((0, ""), (exitCode, error));
        string[] ends = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[line.IndexOf(": ", StringComparison.Ordinal)..])];
        Assert.Equal(5, ends.Length);
        Assert.Equal((ends[0], ends[1]), (ends[3], ends[4]));
        Assert.NotEqual(ends[0], ends[1]);
    }

    /// <summary>All of them die in the same function of the C library; what called it tells them apart, wherever the stack lies and whatever is on it.</summary>
    [Fact]
    public void CallersOfAbortMakeTheBucketAndReplayNamesFilesThatAreOthers()
    {
        const string source = """
            #include <assert.h>
            #include <stdio.h>
            #include <stdlib.h>
            __attribute__((noinline)) void first(int depth) { if (depth <= 0) abort(); first(depth - 1); __asm__ volatile(""); }
            __attribute__((noinline)) void second(void) { abort(); }
            int main(void)
            {
                char text[64] = { 0 };
                size_t size = fread(text, 1, sizeof text, stdin);
                if (text[0] == 'A') first(text[1] & 7);
                if (text[0] == 'B') second();
                if (text[0] == 'C') assert(size == 99);
                return 0;
            }
            """;
        string program = Path.Combine(folder, "aborts"), repros = Path.Combine(folder, "repros");
        if (!File.Exists("/usr/bin/gcc"))
        {
            return;
        }
        using (Process compiler = Process.Start(new ProcessStartInfo("/usr/bin/gcc", ["-O1", "-x", "c", "-", "-o", program]) { RedirectStandardInput = true })!)
        {
            compiler.StandardInput.Write(source);
            compiler.StandardInput.Close();
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }
        string[] inputs = [.. new[] { "A1", "A7aaaaaaaaaaaaaaaa", "B", "Bbbbbb", "C" }.Select((text, number) =>
        {
            string path = Path.Combine(folder, $"input{number}");
            File.WriteAllText(path, text);
            return path;
        })];
        string[] Buckets(params string[] more) =>
        [
            .. CommandLineTests.Run(["afl", .. inputs.SelectMany(path => new[] { "--input", path }), .. more, program]).Output.Split('\n')
                .Where(line => line.StartsWith(folder) && line.Contains(" after ")).Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..line.IndexOf(" after ", StringComparison.Ordinal)]),
        ];
        string[] buckets = Buckets("--save", repros);
        Assert.Equal(5, buckets.Length);
        Assert.All(buckets, bucket => Assert.StartsWith("crash signal-6-from-aborts+", bucket));
        Assert.Equal((buckets[0], buckets[2]), (buckets[1], buckets[3]));
        Assert.Equal(3, buckets.Distinct().Count());
        Assert.Equal(buckets, Buckets("--env", "MOVES=" + new string('x', 5000)));

        string file = Directory.GetFiles(repros)[0], text = File.ReadAllText(file);
        (int exitCode, string output, string error) = CommandLineTests.Run(["replay", file]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.DoesNotContain("another file", output);
        Assert.Contains("libc.so.6", text);
        int hash = text.IndexOf("\"Sha256\": \"", text.IndexOf("libc.so.6", StringComparison.Ordinal), StringComparison.Ordinal) + 11;
        File.WriteAllText(file, text[..hash] + (text[hash] == '0' ? '1' : '0') + text[(hash + 1)..]);
        (exitCode, output, error) = CommandLineTests.Run(["replay", file]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches("libc.so.6 is another file than it was\n", output);
    }

    /// <summary>samples/library: finds more of zlib by itself, in 40 lines.</summary>
    [Fact]
    public void TheSampleFuzzesAFunctionOfALibrary()
    {
        Assert.Equal(40, File.ReadLines(Path.Combine(Repository.Root, "samples", "library", "Program.cs")).Count());
        if (!File.Exists("/lib/x86_64-linux-gnu/libz.so.1"))
        {
            return;
        }
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "FastVcpu.Samples.Library.dll"), "3000"]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Matches("^3000 runs, [0-9]{2,} inputs, [0-9]{3,} edges and counts, 0 kinds of crashes\n$", output);
    }

    /// <summary>The return address comes from the input; the bucket does not.</summary>
    [Fact]
    public void ABucketDoesNotDependOnAnAddressThatTheInputMade()
    {
        string program = Write("wild.bin", code =>
        {
            code.push(__qword_ptr[rdi]);
            code.ret();
        }, bytes => bytes);
        string[] ends = [.. new byte[] { 0x41, 0x42 }.Select(value =>
        {
            string path = Path.Combine(folder, "wild");
            File.WriteAllBytes(path, [value, value, value, 0, 0, 0, 0, 0]);
            return CommandLineTests.Run(["afl", program, path, "--base", "0x400000", "--map", "0x800000:64K"]).Output;
        })];
        Assert.Equal(ends[0], ends[1]);
        Assert.Contains("exception-14-fetch-from-400002", ends[0]);
    }

    [Fact]
    public void AForeignOrDamagedReproductionFileIsRefused()
    {
        string program = Program(), input = Path.Combine(folder, "input"), file = Path.Combine(folder, "done.json");
        File.WriteAllText(input, "x");
        Assert.Equal(0, CommandLineTests.Run(["afl", "--input", input, "--save", folder, program]).ExitCode);
        string text = File.ReadAllText(file);
        foreach ((string wrong, string sentence) in new[]
        {
            (text.Replace("\"Version\": 1", "\"Version\": 7"), "has version 7"), (text[..^20], "is not a reproduction file"), ("[]", "is not a reproduction file"),
            (text.Replace("\"Limit\": ", "\"Limit\": -"), "is damaged"), (text.Replace("\"Sha256\": \"", "\"Sha256\": \"0"), "is not the program of"),
        })
        {
            Assert.NotEqual(text, wrong);
            File.WriteAllText(file, wrong);
            (int exitCode, string output, string error) = CommandLineTests.Run(["replay", file]);
            Assert.Equal((2, ""), (exitCode, output));
            Assert.Contains(sentence, error);
        }
        File.WriteAllBytes(file, System.Text.Encoding.Latin1.GetBytes(text.Replace("\"fastvcpu-", "\"\u00FF-")));
        Assert.Equal(2, CommandLineTests.Run(["replay", file]).ExitCode);
        File.WriteAllText(file, text.Replace("\"Instructions\": ", "\"Instructions\": 1"));
        Assert.Equal(1, CommandLineTests.Run(["replay", file]).ExitCode);
    }

    [Theory]
    [InlineData("null", "is damaged")]
    [InlineData("\"0x800000:0\"", "is not a map")]
    [InlineData("\"0xfffffffffffff000:64K\"", "is not a map")]
    public void AMapThatIsNoneIsRefused(string map, string sentence)
    {
        string program = Write("flat.bin", code => code.ret(), bytes => bytes), input = Path.Combine(folder, "input"), file = Path.Combine(folder, "done.json");
        File.WriteAllText(input, "x");
        Assert.Equal(0, CommandLineTests.Run(["afl", "--input", input, "--save", folder, program, "--base", "0x400000", "--map", "0x800000:64K"]).ExitCode);
        string text = File.ReadAllText(file), wrong = text.Replace("\"0x800000:0x10000\"", map);
        Assert.NotEqual(text, wrong);
        File.WriteAllText(file, wrong);
        (int exitCode, _, string error) = CommandLineTests.Run(["replay", file]);
        Assert.Equal(2, exitCode);
        Assert.Contains(sentence, error);
    }

    /// <summary>A kernel without an operating system calls a function with a buffer again and again; a snapshot was taken somewhere. C: triple fault, P: "panic", S: sleeps for ever.</summary>
    [Fact]
    public void AFunctionInASnapshotOfAMachineIsATarget()
    {
        const ulong Base = 0x100000;
        ulong function = 0, panic = 0;
        string kernel = Write("kernel", code =>
        {
            Label again = code.CreateLabel(), parse = code.CreateLabel(), crash = code.CreateLabel(), bug = code.CreateLabel(), sleep = code.CreateLabel();
            code.mov(esp, 0x180000);
            code.Label(ref again);
            code.push(64);
            code.push(0x200000);
            code.call(parse);
            code.add(esp, 8);
            code.jmp(again);
            code.Label(ref parse);
            code.mov(eax, __[esp + 4]);
            code.inc(__dword_ptr[0x201000]);
            code.cmp(__byte_ptr[eax], 'C');
            code.je(crash);
            code.cmp(__byte_ptr[eax], 'P');
            code.je(bug);
            code.cmp(__byte_ptr[eax], 'S');
            code.je(sleep);
            code.ret();
            code.Label(ref crash);
            code.ud2();
            code.Label(ref sleep);
            code.cli();
            code.hlt();
            code.Label(ref bug);
            code.jmp(bug);
        }, bytes =>
        {
            function = Base + (ulong)bytes.AsSpan().IndexOf<byte>([0x8B, 0x44, 0x24, 0x04]);
            panic = Base + (ulong)bytes.Length - 2;
            return bytes;
        }, 32, Base);
        string snapshot = Path.Combine(folder, "snapshot"), input = Path.Combine(folder, "input");
        Assert.Equal(3, CommandLineTests.Run(["boot", "--kernel", kernel, "--memory", "4M", "--deterministic", "--limit", "1000", "--snapshot-out", snapshot]).ExitCode);
        string[] target = [snapshot, "--snapshot", "--bits", "32", "--entry", $"0x{function:x}", "--crash", $"0x{panic:x}", "--limit", "100000", "--save", folder];
        string[] inputs = [.. new[] { "x", "C", "P", "S", "x" }.Select((text, number) =>
        {
            File.WriteAllText(input + number, text);
            return input + number;
        })];
        (int exitCode, string output, string error) = CommandLineTests.Run(["afl", .. target, .. inputs]);
        Assert.Equal((1, ""), (exitCode, error));
        string[] ends = [.. output.Split('\n').Where(line => line.StartsWith(input)).Select(line => line[(input.Length + 3)..])];
        Assert.Equal(5, ends.Length);
        Assert.Equal(ends[0], ends[4]);
        Assert.Equal(["done after", "crash shutdown", "crash hook-" + panic.ToString("x"), "hang blocked"], ends.Take(4).Select((end, number) => end[..new[] { 10, 14, 17, 12 }[number]]));
        (exitCode, _, error) = CommandLineTests.Run(["replay", .. Directory.GetFiles(folder, "*.json")]);
        Assert.Equal((0, ""), (exitCode, error));
        using AflClient client = new(target[..^2]);
        Assert.Equal([0, Segmentation, 0, Segmentation, 0], new[] { "x", "C", "x", "P", "y" }.Select(text => client.Run(System.Text.Encoding.ASCII.GetBytes(text))));
        Assert.Equal(0, client.Leave());
    }

    /// <summary>A function: C writes to nowhere, H never ends.</summary>
    string Flat() => Write("flat.bin", code =>
    {
        Label crash = code.CreateLabel(), hang = code.CreateLabel();
        code.cmp(__byte_ptr[rdi], 'C');
        code.je(crash);
        code.cmp(__byte_ptr[rdi], 'H');
        code.je(hang);
        code.inc(__byte_ptr[rdi + 0x1000]);
        code.ret();
        code.Label(ref crash);
        code.mov(__dword_ptr[0x99], eax);
        code.Label(ref hang);
        code.jmp(hang);
    }, bytes => bytes);

    /// <summary>A program that reads standard input: C writes to nowhere, H never ends, A sends itself SIGABRT.</summary>
    string Program()
    {
        string path = Write("program", code =>
        {
            const int GetProcess = 39, Exit = 60, SendSignal = 62;
            Label crash = code.CreateLabel(), hang = code.CreateLabel(), abort = code.CreateLabel();
            code.sub(rsp, 256);
            code.mov(__byte_ptr[rsp], 0);
            code.xor(edi, edi);
            code.mov(rsi, rsp);
            code.mov(edx, 256);
            code.xor(eax, eax);
            code.syscall();
            code.cmp(__byte_ptr[rsp], 'C');
            code.je(crash);
            code.cmp(__byte_ptr[rsp], 'H');
            code.je(hang);
            code.cmp(__byte_ptr[rsp], 'A');
            code.je(abort);
            code.xor(edi, edi);
            code.mov(eax, Exit);
            code.syscall();
            code.Label(ref abort);
            code.mov(eax, GetProcess);
            code.syscall();
            code.mov(edi, eax);
            code.mov(esi, Abort);
            code.mov(eax, SendSignal);
            code.syscall();
            code.Label(ref crash);
            code.mov(__dword_ptr[0x99], eax);
            code.Label(ref hang);
            code.jmp(hang);
        }, RunCommandTests.Program);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }

    string Write(string name, Action<Assembler> write, Func<byte[], byte[]> wrap, int bits = 64, ulong address = 0x400000)
    {
        Assembler assembler = new(bits);
        write(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            File.WriteAllBytes(path, wrap(stream.ToArray()));
        }
        return path;
    }
}
