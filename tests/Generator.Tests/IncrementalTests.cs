using Microsoft.CodeAnalysis;

namespace FastVcpu.Tests;

/// <summary>The generator only does what an edit asks for.</summary>
public sealed class IncrementalTests
{
    static readonly IsaFile Arith = new("isa/base/arith.isa", "ADD sem=Alu.Add<T> flags=w:oszapc lock\n    01 /r | Ev:rw Gv\n");
    static readonly IsaFile Logic = new("isa/base/logic.isa", "AND sem=Alu.And<T> flags=w:oszapc lock\n    21 /r | Ev:rw Gv\n");

    static GeneratorRun Start() => new(IsaFile.Tables.Add(Arith).Add(Logic));

    [Fact]
    public void AnEditOfCodeRegeneratesNothing()
    {
        GeneratorRun run = Start();
        Assert.Contains("Handlers.base.arith", string.Join(' ', run.Result.GeneratedSources.Select(s => s.HintName)));
        run.EditCode();
        Assert.All(run.Reasons(Generator.SpecGenerator.FilesStep), r => Assert.Equal(IncrementalStepRunReason.Cached, r));
        Assert.All(run.Reasons(Generator.SpecGenerator.OutputStep), r => Assert.Equal(IncrementalStepRunReason.Cached, r));
        Assert.All(run.Reasons(Generator.SpecGenerator.ProductsStep), r => Assert.Equal(IncrementalStepRunReason.Cached, r));
        Assert.Empty(run.Regenerated);
    }

    [Fact]
    public void AnEditOfARowRegeneratesTheFilesItChanges()
    {
        GeneratorRun run = Start();
        run.Edit(Logic, new IsaFile(Logic.Path, Logic.GetText().ToString().Replace("Alu.And<T>", "Alu.AndNot<T>")));
        Assert.Equal(["Handlers.base.logic"], run.Regenerated);
        Assert.Contains("Alu.AndNot<T>(", run.Text("Handlers.base.logic"));
    }

    [Fact]
    public void ACommentRegeneratesNothing()
    {
        GeneratorRun run = Start();
        run.Edit(Logic, new IsaFile(Logic.Path, Logic.GetText() + "# No instruction.\n"));
        Assert.Empty(run.Regenerated);
    }
}
