using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Micro;

/// <summary>Short runs, with allocations, in this process: the guests are what is measured, and building the library anew for them takes minutes.</summary>
sealed class MicroConfig : ManualConfig
{
    const int WidestName = 40;

    public MicroConfig()
    {
        AddJob(Job.Default.WithWarmupCount(3).WithIterationCount(7).WithToolchain(InProcessEmitToolchain.Instance));
        WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(WidestName));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new AllocationColumn());
    }

    /// <summary>What the diagnoser counts is for one operation; a single allocation in a million instructions would be rounded away there.</summary>
    sealed class AllocationColumn : NumberColumn
    {
        const double Million = 1e6;

        public override string ColumnName => "B/million instr.";

        public override string Legend => "Allocated bytes for a million guest instructions";

        public override string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
        {
            using MicroCase made = MicroCases.Make((string)benchmarkCase.Parameters[nameof(MicroBenchmark.Case)]);
            double instructions = made.Run();
            BenchmarkReport? report = summary[benchmarkCase];
            return report?.GcStats.GetTotalAllocatedBytes(excludeAllocationQuantumSideEffects: true) is { } bytes && instructions > 0
                ? (bytes * Million / (report.GcStats.TotalOperations / (double)MicroCase.Operations * instructions)).ToString("F1")
                : "-";
        }
    }
}
