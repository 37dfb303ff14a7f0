using FastVcpu.Bench.Regression;
using FastVcpu.Bench.Running;

namespace FastVcpu.Tests;

/// <summary>What is asked wrongly gets one sentence and an exit code.</summary>
/// <remarks>The only class here that takes the console.</remarks>
public sealed class CommandLineTests
{
    const int BadArguments = 2;

    [Theory]
    [InlineData("nonsense")]
    [InlineData("peers --runs many")]
    [InlineData("peers --runs 0")]
    [InlineData("peers --runs")]
    [InlineData("peers --runs 1 --runs 2")]
    [InlineData("peers --guests nobody")]
    [InlineData("peers --bits 16")]
    [InlineData("peers --engines nobody")]
    [InlineData("peers --speed 9")]
    [InlineData("peers something")]
    [InlineData("regression")]
    [InlineData("regression one")]
    [InlineData("regression HEAD HEAD --runs 2")]
    [InlineData("micro --cases nothing")]
    [InlineData("startup --runs -1")]
    [InlineData("guest")]
    [InlineData("guest nowhere.bin 64 1")]
    [InlineData("guest nowhere.bin 48 1")]
    [InlineData("guest nowhere.bin 64 none")]
    public void BadWordsGetOneSentence(string words)
    {
        TextWriter console = Console.Error;
        using StringWriter written = new();
        Console.SetError(written);
        try
        {
            Assert.Equal(BadArguments, typeof(CommandWords).Assembly.EntryPoint!.Invoke(null, [words.Split(' ')]));
        }
        finally
        {
            Console.SetError(console);
        }
        string errors = written.ToString();
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("   at ", errors);
    }

    [Fact]
    public void OptionsAndWordsAreToldApart()
    {
        CommandWords line = new(["old", "--runs", "7", "new", "--bits", "32"], "--runs", "--bits");
        Assert.Equal(["old", "new"], line.Rest);
        Assert.Equal(7, line.Runs);
        Assert.Equal(["32"], line.Words("--bits", "64"));
    }

    [Fact]
    public void HandlersAreReadFromTheCompilersSummary()
    {
        const string Summary = """
               1: JIT compiled FastVcpu.Vcpu:Run(long):FastVcpu.VcpuExit:this [Tier0, IL size=20, code size=99]
               2: JIT compiled FastVcpu.Execution.Handlers:Add_1_Reg[uint,FastVcpu.Execution.Fast](ptr,ptr,long):long [FullOpts, IL size=80, code size=61]
               3: JIT compiled FastVcpu.Execution.FusedHandlers:Add_1_Reg_Jne[uint](ptr,ptr,long):long [FullOpts, IL size=80, code size=123]
            """;
        Assert.Equal([("Handlers:Add_1_Reg[uint,FastVcpu.Execution.Fast]", 61), ("FusedHandlers:Add_1_Reg_Jne[uint]", 123)], HandlerSizes.Parse(Summary));
    }
}
