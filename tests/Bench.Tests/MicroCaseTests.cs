using FastVcpu.Bench.Micro;

namespace FastVcpu.Tests;

public sealed class MicroCaseTests
{
    /// <summary>Those that make code do so by objects.</summary>
    static readonly string[] Building = ["decoder", "cold code", "self-modifying", "host rewrites"];

    public static TheoryData<string> All => [.. MicroCases.Names];

    public static TheoryData<string> Hot => [.. MicroCases.Names.Except(Building)];

    /// <summary>What is measured is what its name says, every time alike.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void ACaseRetiresTheSameEachTime(string name)
    {
        using MicroCase made = MicroCases.Make(name);
        // What ends by an exit begins the next run with the rest of its instruction.
        made.Run();
        long second = made.Run();
        Assert.Equal(second, made.Run());
        Assert.True(name == "decoder" ? second == 0 : second > 0);
    }

    [Theory]
    [MemberData(nameof(Hot))]
    public void HotCodeAllocatesNothing(string name)
    {
        using MicroCase made = MicroCases.Make(name);
        // As soon as the handlers that it asks for have been compiled, on another thread.
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                made.Run();
                return GC.GetAllocatedBytesForCurrentThread() == before;
            },
            TimeSpan.FromMinutes(10)));
    }
}
