namespace FastVcpu.Tests.Structure;

/// <summary>Rows whose handler is written by hand do not profit from the generator. They are counted, so that their number does not grow unseen.</summary>
public sealed class RawRowTests
{
    [Fact]
    public void TheRawRowsAreAsManyAsStatedHere()
    {
        const int Stated = 0;
        int raw = Directory.EnumerateFiles(Path.Combine(Repository.Root, "Specs", "isa"), "*.isa", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines)
            .Count(line => !line.StartsWith('#') && line.Contains("sem=raw:", StringComparison.Ordinal));
        Assert.Equal(Stated, raw);
    }
}
