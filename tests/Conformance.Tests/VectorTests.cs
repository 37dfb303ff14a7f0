using FastVcpu.Cli.Conform;
using Xunit;
using Xunit.Abstractions;

namespace FastVcpu.Tests;

/// <summary>
/// Runs the instruction vectors that were recorded on hardware. Everything has to come out as recorded but what tests/Known/vectors.txt explains;
/// vectors of features that no CPU model has yet do not run.
/// </summary>
public sealed class VectorTests(ITestOutputHelper output)
{
    const string Extension = ".jsonl.gz";
    const string NoVectors = "no vectors";

    /// <summary>The groups of which this version has every instruction, so that all of their vectors run.</summary>
    static readonly string[] Complete =
    [
        "x64/ac", "x64/amd", "x64/approx", "x64/avx", "x64/avx2", "x64/avxvnni", "x64/base", "x64/bit", "x64/bmi", "x64/branch", "x64/crypto", "x64/f16c", "x64/fma", "x64/fsgsbase",
        "x64/fxsr", "x64/mmx", "x64/muldiv", "x64/nop", "x64/seg", "x64/shift", "x64/sse", "x64/sse2", "x64/sse3", "x64/sse41", "x64/sse42", "x64/ssse3",
        "x64/stack", "x64/string", "x64/x87", "x64/x87trans",
        "x86/ac", "x86/amd", "x86/approx", "x86/avx", "x86/avx2", "x86/avxvnni", "x86/base", "x86/bit", "x86/bmi", "x86/branch", "x86/crypto", "x86/f16c", "x86/fma",
        "x86/fxsr", "x86/mmx", "x86/muldiv", "x86/nop", "x86/seg", "x86/shift", "x86/sse", "x86/sse2", "x86/sse3", "x86/sse41", "x86/sse42", "x86/ssse3",
        "x86/stack", "x86/string", "x86/x87", "x86/x87trans",
        "x16/0x", "x16/1x", "x16/2x", "x16/3x", "x16/4x", "x16/5x", "x16/6x", "x16/7x",
        "x16/8x", "x16/9x", "x16/Ax", "x16/Bx", "x16/Cx", "x16/Dx", "x16/Ex", "x16/Fx",
    ];

    static readonly KnownDifferences Known = new("vectors.txt");

    public static TheoryData<string> Groups => Repository.Vectors is string folder
        ? [.. VectorSet.Find([folder]).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/').Replace(Extension, ""))]
        : [NoVectors];

    [Theory]
    [MemberData(nameof(Groups))]
    public void TheCpuDoesWhatTheHardwareDid(string group)
    {
        if (group == NoVectors)
        {
            output.WriteLine("No vectors beside the repository, and FASTVCPU_VECTORS is not set: nothing was run.");
            return;
        }

        using VectorRunner runner = new(new VectorSelection(Model: null, Mode: null, Filter: null, MaxFailures: int.MaxValue));
        FileResult result = runner.Run(Path.Combine(Repository.Vectors!, group + Extension));
        output.WriteLine($"{result.Passed} passed, {result.Failed} failed, {result.Unsupported} need a feature that the CPU model lacks");
        VectorFailure[] unknown = [.. result.Failures.Where(failure => !Known.Contains($"{group}:{failure.Line} {failure.Bytes}"))];
        Assert.True(unknown.Length == 0, $"{unknown.Length} vectors of {group} differ:\n{string.Join('\n', unknown.Take(20).Select(Text))}");
        Assert.Empty(Known.Stale(key => key.StartsWith(group + ":", StringComparison.Ordinal)));
        Assert.True(result.Unsupported == 0 || !Complete.Contains(group), $"{result.Unsupported} vectors of {group} did not run.");
    }

    static string Text(VectorFailure failure) =>
        $"{failure.Line} {failure.Bytes} {failure.Name}\n  {failure.Input}\n  {string.Join("\n  ", failure.Differences)}";
}
