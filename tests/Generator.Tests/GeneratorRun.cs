using System.Collections.Immutable;
using FastVcpu.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace FastVcpu.Tests;

/// <summary>Runs of the generator on .isa files, one after the other as in an editor.</summary>
sealed class GeneratorRun
{
    GeneratorDriver driver;
    Compilation compilation;

    public GeneratorRun(IEnumerable<AdditionalText> files)
    {
        compilation = CSharpCompilation.Create("Test", [CSharpSyntaxTree.ParseText("class Program;")]);
        driver = CSharpGeneratorDriver.Create(
            [new SpecGenerator().AsSourceGenerator()], files, driverOptions: new GeneratorDriverOptions(default, trackIncrementalGeneratorSteps: true));
        Run();
    }

    public GeneratorRunResult Result => driver.GetRunResult().Results.Single();

    /// <summary>The generated file of a name without extension.</summary>
    public string Text(string name) => Result.GeneratedSources.Single(s => s.HintName == name + ".g.cs").SourceText.ToString();

    /// <summary>The names of the files whose generation this run took anew.</summary>
    public IEnumerable<string> Regenerated => Result.TrackedSteps[SpecGenerator.ProductsStep]
        .SelectMany(step => step.Outputs)
        .Where(output => output.Reason is IncrementalStepRunReason.New or IncrementalStepRunReason.Modified)
        .Select(output => output.Value.ToString()!);

    /// <summary>Why a step has the values it has, all of them.</summary>
    public IEnumerable<IncrementalStepRunReason> Reasons(string step) => Result.TrackedSteps[step].SelectMany(s => s.Outputs).Select(o => o.Reason);

    /// <summary>An edit of the C# code.</summary>
    public void EditCode()
    {
        compilation = compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText("class Another;"));
        Run();
    }

    /// <summary>An edit of an .isa file.</summary>
    public void Edit(AdditionalText before, AdditionalText after)
    {
        driver = driver.ReplaceAdditionalText(before, after);
        Run();
    }

    void Run() => driver = driver.RunGenerators(compilation);
}

/// <summary>An .isa file.</summary>
sealed class IsaFile(string path, string text) : AdditionalText
{
    public override string Path => path;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);

    /// <summary>A file below Specs.</summary>
    public static IsaFile OfTheRepository(string path) => new(path, File.ReadAllText(System.IO.Path.Combine(Repository.Root, "Specs", path)));

    /// <summary>All of Specs/tables.</summary>
    public static ImmutableArray<AdditionalText> Tables { get; } =
        [OfTheRepository("tables/operands.isa"), OfTheRepository("tables/features.isa"), OfTheRepository("tables/cpus.isa")];
}
