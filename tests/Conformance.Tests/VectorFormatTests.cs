using System.IO.Compression;
using System.Text;
using FastVcpu.Cli;
using FastVcpu.Cli.Conform;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The reader of vectors: it finds differences where there are some, and refuses damaged files with a sentence.</summary>
public sealed class VectorFormatTests : IDisposable
{
    const string Good =
        """{"n":"add bl,r9b","c":"Add_rm8_r8","isa":"INTEL8086","b":"4400cb","in":{"rip":"10000477","rflags":"202","rbx":"7f","r9":"1"},"mem":[],"out":{"rip":"1000047a","rflags":"a92","rbx":"80"},"memout":[],"ex":null,"fmask":0}""";
    const string Store =
        """{"n":"mov [rdi],al","c":"Mov_rm8_r8","b":"8807","in":{"rip":"10000000","rflags":"202","rax":"7f","rdi":"20000010"},"mem":[["20000010","55"]],"out":{"rip":"10000002"},"memout":[["20000010","7f"]],"ex":null,"fmask":0}""";
    const string Fault =
        """{"n":"mov [rdi],al","c":"Mov_rm8_r8","b":"8807","in":{"rip":"10000000","rflags":"202","rdi":"10000010"},"mem":[],"out":{"rip":"10000000"},"memout":[],"ex":{"v":14,"err":7,"addr":"10000010","sig":11,"code":2},"fmask":0}""";

    readonly string folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "x64")).FullName;

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);

    [Theory]
    [InlineData(Good)]
    [InlineData(Store)]
    [InlineData(Fault)]
    public void AVectorThatComesOutAsRecordedPasses(string line) => Assert.Equal((1, 0), Run(line));

    [Theory]
    [InlineData(Good, "\"rbx\":\"80\"", "\"rbx\":\"81\"", "rbx: expected 81, got 80")]
    [InlineData(Good, "\"rflags\":\"a92\"", "\"rflags\":\"a93\"", "rflags: expected a93, got a92 (CF)")]
    [InlineData(Good, "\"rip\":\"1000047a\"", "\"rip\":\"1000047b\"", "rip: expected 1000047b, got 1000047a")]
    [InlineData(Good, "\"ex\":null", "\"ex\":{\"v\":6}", "exception: expected #UD invalid opcode (6), got none")]
    [InlineData(Store, "[[\"20000010\",\"7f\"]]", "[]", "[20000010]: expected 55, got 7f")]
    [InlineData(Store, "[[\"20000010\",\"7f\"]]", "[[\"20000010\",\"7f01\"]]", "[20000011]: expected 01, got 00")]
    [InlineData(Fault, "\"err\":7", "\"err\":6", "exception: expected #PF page fault (14), error code 6, address 10000010, got #PF page fault (14), error code 7, address 10000010")]
    public void EveryDifferenceIsTold(string line, string what, string instead, string difference)
    {
        Assert.Contains(what, line);
        FileResult result = RunFile(line.Replace(what, instead));
        Assert.Contains(difference, Assert.Single(result.Failures).Differences);
    }

    [Fact]
    public void WhatIsUndefinedIsNotCompared()
    {
        Assert.Equal((1, 0), Run(Good.Replace("\"rflags\":\"a92\"", "\"rflags\":\"a93\"").Replace("\"fmask\":0", "\"fmask\":1")));
        Assert.Equal((1, 0), Run(Good.Replace("\"rbx\":\"80\"", "\"rbx\":\"87\"").Replace("\"fmask\":0", "\"fmask\":0,\"undef\":{\"rbx\":\"f\"}")));
        Assert.Equal((1, 0), Run(Store.Replace("[[\"20000010\",\"7f\"]]", "[]").Replace("\"fmask\":0", "\"fmask\":0,\"mundef\":[[\"20000010\",1]]")));
    }

    [Fact]
    public void AFailureDoesNotDisturbTheNextVector()
    {
        string wrong = Store.Replace("[[\"20000010\",\"7f\"]]", "[]");
        Assert.Equal((2, 1), Run($"{Store}\n{wrong}\n{Store}\n"));
    }

    [Theory]
    [InlineData("", "no vector")]
    [InlineData("{}", "lacks b, in, out, mem, memout, ex")]
    [InlineData("{\"b\":", "not JSON")]
    [InlineData("nonsense", "not JSON")]
    [InlineData("{\"b\":\"4g\"}", "not hexadecimal")]
    [InlineData("{\"in\":{\"rzx\":\"1\"}}", "no register 'rzx'")]
    [InlineData("{\"in\":{\"xmm0\":\"11\"}}", "xmm0 is not a string of 16 bytes")]
    [InlineData("{\"in\":{\"ftw\":\"100\"}}", "ftw does not fit")]
    public void ADamagedLineIsAClearError(string line, string what)
    {
        InputException error = Assert.Throws<InputException>(() => RunFile(line));
        Assert.Contains(what, error.Message);
        Assert.Contains("damaged", error.Message);
    }

    [Theory]
    [InlineData("20000010", "50000010", "outside the memory of the format")]
    [InlineData("10000000", "8000000000000000", "outside the memory of the format")]
    [InlineData("\"rax\":\"7f\"", "\"mxcsr\":\"ffffffff\"", "the CPU cannot have these registers")]
    public void WhatTheFormatDoesNotHaveIsAClearError(string what, string instead, string sentence)
    {
        Assert.Contains(what, Store);
        InputException error = Assert.Throws<InputException>(() => RunFile(Store.Replace(what, instead)));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void AnExitThatNoVectorExpectsIsADifference()
    {
        FileResult result = RunFile(Good.Replace("4400cb", "0f05"));
        Assert.Contains("exception: expected none, got exit SystemCall", Assert.Single(result.Failures).Differences);
    }

    [Fact]
    public void ATruncatedArchiveIsAClearError()
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Repeat(Good, 500))));
        }

        string path = Path.Combine(folder, "base.jsonl.gz");
        byte[] bytes = packed.ToArray();
        for (int length = 0; length < bytes.Length; length += 1 + bytes.Length / 50)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Throws<InputException>(() => RunPath(path));
        }

        File.WriteAllText(path, "this is not gzip at all");
        Assert.Throws<InputException>(() => RunPath(path));
    }

    [Fact]
    public void EveryRecordedVectorCanBeRead()
    {
        if (Repository.Vectors is null)
        {
            return;
        }

        Vector vector = new();
        foreach (string path in VectorSet.Find([Repository.Vectors]))
        {
            using VectorFile file = new(path, mode: null);
            int lines = 0;
            while (file.Read(vector))
            {
                lines++;
            }

            Assert.True(lines > 10, $"{path} has {lines} lines.");
        }
    }

    (int Passed, int Failed) Run(string lines)
    {
        FileResult result = RunFile(lines);
        return (result.Passed, result.Failed);
    }

    FileResult RunFile(string lines)
    {
        string path = Path.Combine(folder, "base.jsonl");
        File.WriteAllText(path, lines);
        return RunPath(path);
    }

    static FileResult RunPath(string path)
    {
        using VectorRunner runner = new(new VectorSelection(Model: null, Mode: null, Filter: null, MaxFailures: 10));
        return runner.Run(path);
    }
}
