using FastVcpu.Specs;

namespace FastVcpu.Tests;

/// <summary>The specification of the repository as a whole.</summary>
public sealed class RepositoryTests
{
    [Fact]
    public void HasNoErrors() => Assert.Empty(Spec.OfTheRepository.Errors);

    [Fact]
    public void EveryFeatureOfAModelIsInItsSuccessor()
    {
        IReadOnlyList<Cpu> cpus = Spec.OfTheRepository.Cpus.Cpus;
        for (int i = 1; i < cpus.Count; i++)
        {
            Assert.Superset(cpus[i - 1].Features, cpus[i].Features);
        }
    }

    [Fact]
    public void EveryFeatureIsInAModel() =>
        Assert.All(Spec.OfTheRepository.Features.Features, f => Assert.Contains(Spec.OfTheRepository.Cpus.Cpus, c => c.Features.Contains(f)));

    [Fact]
    public void AFeatureExistsWhenARowNeedsItOrNoneCan()
    {
        Specification specification = Spec.Of("LZCNT sem=Bit.Count\n    F3 0F BD /r | Gd:w Ed | cpu=LZCNT\n");
        string[] names = [.. specification.ExistingFeatures.Select(f => f.Name)];
        Assert.Contains("LZCNT", names);
        Assert.Contains("NX", names);
        Assert.DoesNotContain("AVX2", names);
    }

    [Fact]
    public void TheHolesContainWhatIsKnownToBeUndefined()
    {
        string[] holes = [.. Hole.Of(Spec.OfTheRepository.Forms).Select(h => h.ToString())];
        Assert.Contains("Map0F 64 NP 04", holes);
        Assert.Contains("OneByte 64 NP FE /7 mem", holes);
        Assert.Contains("OneByte 64 NP 06", holes);
        Assert.DoesNotContain("OneByte 32 NP 06", holes);
        Assert.DoesNotContain("OneByte 64 NP FE /0 mem", holes);
    }
}
