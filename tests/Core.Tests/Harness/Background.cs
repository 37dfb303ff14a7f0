namespace FastVcpu.Tests;

/// <summary>A run on a thread of its own, not on one of the pool's.</summary>
static class Background
{
    /// <summary>What is waited for is certain to come, but on a busy machine nobody knows when.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>How often two guests are to wait for each other by looking: where they share one processor, each time takes a turn of the host's scheduler.</summary>
    public static int Turns(int many) => Environment.ProcessorCount > 1 ? many : many / 20;

    public static Task<VcpuExit> Run(Vcpu cpu, long instructions = long.MaxValue) =>
        Task.Factory.StartNew(() => cpu.Run(instructions), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Waits for a condition.</summary>
    public static void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, Patience));

    public static VcpuExit End(this Task<VcpuExit> run)
    {
        Assert.True(run.Wait(Patience));
        return run.Result;
    }
}
