using Microsoft.CodeAnalysis;

namespace FastVcpu.Tests;

/// <summary>Errors of the specification are compiler errors at the .isa file.</summary>
public sealed class DiagnosticTests
{
    const string Path = "isa/base/wrong.isa";

    [Fact]
    public void ErrorsPointAtTheWordInTheIsaFile()
    {
        GeneratorRun run = new(IsaFile.Tables.Add(new IsaFile(Path, "ADD sem=Alu.Add<T>\n    01 /r | Ew:rw Gww\nSUB sem=Alu.Sub<T> lck\n    29 /r | Ev:rw Gv\n")));
        Assert.Equal(
            [(Path, 1, 18, 21), (Path, 2, 19, 22)],
            run.Result.Diagnostics.Select(d => d.Location.GetLineSpan())
                .Select(s => (s.Path, s.StartLinePosition.Line, s.StartLinePosition.Character, s.EndLinePosition.Character)).Order());
        Assert.All(run.Result.Diagnostics, d => Assert.Equal(DiagnosticSeverity.Error, d.Severity));
        Assert.Empty(run.Result.GeneratedSources);
    }

    [Fact]
    public void WithoutIsaFilesNothingHappens()
    {
        GeneratorRun run = new([]);
        Assert.Empty(run.Result.Diagnostics);
        Assert.Empty(run.Result.GeneratedSources);
    }
}
