using FastVcpu.Cli.Isa;
using FastVcpu.Specs;

namespace FastVcpu.Tests.Structure;

/// <summary>Forms whose handler is written by hand do not profit from the generator. They are counted, so that their number does not grow unseen.</summary>
public sealed class RawRowTests
{
    [Fact]
    public void TheRawFormsAreAsManyAsStatedHere()
    {
        const int Stated = 270;
        Assert.Equal(Stated, EmbeddedSpecification.Load().Forms.Count(form => form.Semantics.Tier == SemanticsTier.Raw));
    }
}
