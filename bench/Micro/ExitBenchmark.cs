using BenchmarkDotNet.Attributes;

namespace FastVcpu.Bench.Micro;

/// <summary>What an exit costs: from one `Run` to the next, with the access completed in between. Real mode, one loop each.</summary>
public class ExitBenchmark
{
    const int Exits = 1000;
    const ulong Memory = 1 << 20, Code = 0x1000;

    static readonly byte[] OutLoop = [0xE6, 0x10, 0xEB, 0xFC], InLoop = [0xE4, 0x10, 0xEB, 0xFC], StoreLoop = [0x88, 0x07, 0xEB, 0xFC], LoadLoop = [0x8A, 0x07, 0xEB, 0xFC];

    readonly VirtualMachine vm = new();
    Vcpu cpu = null!;

    /// <summary>Frees the machine.</summary>
    [GlobalCleanup]
    public void Cleanup() => vm.Dispose();

    /// <summary>Prepares OUT.</summary>
    [GlobalSetup(Target = nameof(Out))]
    public void PrepareOut() => Prepare(OutLoop);

    /// <summary>OUT and back.</summary>
    [Benchmark(OperationsPerInvoke = Exits)]
    public void Out() => Repeat(ExitReason.Io);

    /// <summary>Prepares IN.</summary>
    [GlobalSetup(Target = nameof(In))]
    public void PrepareIn() => Prepare(InLoop);

    /// <summary>IN and back.</summary>
    [Benchmark(OperationsPerInvoke = Exits)]
    public void In() => Repeat(ExitReason.Io);

    /// <summary>Prepares the store.</summary>
    [GlobalSetup(Target = nameof(MmioWrite))]
    public void PrepareStore() => Prepare(StoreLoop);

    /// <summary>A store to MMIO and back.</summary>
    [Benchmark(OperationsPerInvoke = Exits)]
    public void MmioWrite() => Repeat(ExitReason.Mmio);

    /// <summary>Prepares the load.</summary>
    [GlobalSetup(Target = nameof(MmioRead))]
    public void PrepareLoad() => Prepare(LoadLoop);

    /// <summary>A load from MMIO and back.</summary>
    [Benchmark(OperationsPerInvoke = Exits)]
    public void MmioRead() => Repeat(ExitReason.Mmio);

    /// <summary>Prepares the step.</summary>
    [GlobalSetup(Target = nameof(Step))]
    public void PrepareStep()
    {
        Prepare([0x40, 0xEB, 0xFD]);
        cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.SingleStep);
    }

    /// <summary>A debugger's single step.</summary>
    [Benchmark(OperationsPerInvoke = Exits)]
    public void Step() => Repeat(ExitReason.Debug);

    /// <summary>Prepares the loop that is interrupted.</summary>
    [GlobalSetup(Target = nameof(RequestExit))]
    public void PrepareRequest() => Prepare([0x40, 0xEB, 0xFD]);

    /// <summary>A request to exit, from another thread, to the return of `Run`; the hand-over between threads is part of it.</summary>
    [Benchmark]
    public void RequestExit()
    {
        Task<VcpuExit> run = Task.Run(() => cpu.Run());
        cpu.RequestExit();
        run.Wait();
    }

    void Prepare(byte[] code)
    {
        vm.AllocateMemory(0, 0, Memory);
        vm.TryWritePhysical(Code, code);
        cpu = vm.CreateVcpu(CpuModel.Max);
        for (int segment = 0; segment < 6; segment++)
        {
            cpu.Segments.SetReal(segment, 0);
        }
        // Offset 0 of DS is where no memory is.
        cpu.Segments.Ds = cpu.Segments.Ds with { Base = Memory };
        cpu.Regs.Rip = Code;
    }

    void Repeat(ExitReason reason)
    {
        for (int i = 0; i < Exits; i++)
        {
            if (cpu.Run().Reason != reason)
            {
                throw new InvalidOperationException("Another exit.");
            }
        }
    }
}
