using FastVcpu.Cli.Isa;
using FastVcpu.Specs;

namespace FastVcpu.Tests.Structure;

/// <summary>The generated page of the documentation says what the specification says.</summary>
public sealed class IsaPageTests
{
    [Fact]
    public void ThePageIsCurrent()
    {
        string page = IsaPage.Markdown([.. IsaRow.All(EmbeddedSpecification.Load())]);
        string file = Path.Combine(Repository.Root, "docs", "isa.md");
        Assert.True(File.ReadAllText(file) == page, "docs/isa.md is out of date: ./fastvcpu isa --markdown > docs/isa.md");
    }

    [Fact]
    public void TheSpecificationHasNoErrors()
    {
        Specification specification = EmbeddedSpecification.Load();
        Assert.Empty(specification.Errors);
        Assert.True(specification.Forms.Count > 300);
    }
}
