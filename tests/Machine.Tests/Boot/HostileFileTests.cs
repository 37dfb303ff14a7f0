namespace FastVcpu.Machine.Tests.Boot;

/// <summary>Damaged files and packets are taken or refused in a sentence. <c>tests/Fuzz files</c> does the same for as long as one likes.</summary>
public class HostileFileTests
{
    [Theory]
    [InlineData("program", 60)]
    [InlineData("kernel", 150)]
    [InlineData("vectors", 300)]
    [InlineData("packets", 40)]
    [InlineData("reproduction", 150)]
    [InlineData("snapshot", 300)]
    [InlineData("debugger", 150)]
    [InlineData("debian", 8)]
    public void DamagedInputDoesNoHarm(string kind, int cases)
    {
        using FileFuzzer fuzzer = new(kind);
        for (int seed = 1; seed <= cases; seed++)
        {
            Assert.Null(fuzzer.Run(seed));
        }
    }
}
