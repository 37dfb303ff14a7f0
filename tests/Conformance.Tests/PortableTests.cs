using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace FastVcpu.Tests;

/// <summary>With the host's vector units switched off the same vectors pass: the portable ways give the same bits. In a process of their own, because the switch is read at its start.</summary>
public sealed class PortableTests(ITestOutputHelper output)
{
    static readonly string[] Groups = ["x64/sse3", "x64/ssse3", "x64/sse41", "x64/f16c", "x86/fma"];

    [Fact]
    public void TheVectorsPassWithoutTheHostsVectorUnits()
    {
        if (Repository.Vectors is not { } folder)
        {
            output.WriteLine("No vectors beside the repository, and FASTVCPU_VECTORS is not set: nothing was run.");
            return;
        }

        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll"));
        start.ArgumentList.Add("conform");
        foreach (string group in Groups)
        {
            start.ArgumentList.Add(Path.Combine(folder, group + ".jsonl.gz"));
        }

        start.Environment["DOTNET_EnableHWIntrinsic"] = "0";
        using Process process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, text);
    }
}
